/**
 * The whole prompt as a strip, one cell a block of 64 tokens: bars for what the answer attended to, below them how much of the block
 * is still held, and whether it came from the cache. For the keyboard it is a slider; as a table it says the same in words.
 */
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { count, oneLine, percent } from "./format.ts";
import { blockAt, firstBlocks, nameOfBlock } from "./places.ts";
import { bars, cellAt, lanes, placeOf, type RibbonShape, shapeOf } from "./ribbon-shape.ts";
import { RibbonTable } from "./ribbon-table.tsx";
import type { Documents, Run, Trace } from "./types.ts";

const BLOCK_TOKENS = 64;
/** Pixels of a letter of a name, about. */
const LETTER = 5.5;

interface RibbonProps {
  readonly run: Run;
  readonly documents: Documents;
  /** The block that is pointed at in the reader. */
  readonly selected?: number;
  readonly onOpen: (block: number) => void;
}

export function Ribbon(props: RibbonProps) {
  const { run, documents } = props;
  const total = run.trace?.prompt_tokens ?? run.progress?.total;
  if (total === undefined) return null;
  if (run.trace) return <TracedRibbon {...props} trace={run.trace} documents={documents} />;
  return <ReadingRibbon processed={run.progress?.processed ?? 0} total={total} />;
}

/** While the prompt is read: cells fill up. */
function ReadingRibbon({ processed, total }: { processed: number; total: number }) {
  const cells = Math.ceil(total / BLOCK_TOKENS);
  const [box, shape] = useShape(cells);
  const read = Math.floor(processed / BLOCK_TOKENS);
  return (
    <div class="ribbon" ref={box}>
      {shape && (
        <svg width={shape.width} height={shape.height} aria-hidden="true">
          <path class="track" d={bars(shape, lanes.whole, cells, () => 1)} />
          <path class="read" d={bars(shape, lanes.whole, cells, (cell) => (cell < read ? 1 : 0))} />
        </svg>
      )}
    </div>
  );
}

function TracedRibbon({ trace, documents, selected, onOpen, run }: RibbonProps & { trace: Trace }) {
  const cells = trace.blocks.length;
  const [box, shape] = useShape(cells);
  const [pointed, setPointed] = useState<number | undefined>();
  const [focused, setFocused] = useState(() => (trace.passages[0] ? blockAt(trace, trace.passages[0].peak) : 0));
  const [hasFocus, setHasFocus] = useState(false);
  const shown = pointed ?? (hasFocus ? focused : (selected ?? focused));

  const onPointer = (event: PointerEvent & { currentTarget: SVGSVGElement }) => {
    const { left, top } = event.currentTarget.getBoundingClientRect();
    setPointed(shape && cellAt(shape, event.clientX - left, event.clientY - top, cells));
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      onOpen(focused);
      return;
    }
    const step = stepOf(event.key, shape?.perRow ?? 1, cells);
    if (step === 0) return;
    event.preventDefault();
    setPointed(undefined);
    setFocused(Math.min(cells - 1, Math.max(0, focused + step)));
  };
  return (
    <figure class="ribbon">
      <div
        ref={box}
        class="strip"
        role="slider"
        tabIndex={0}
        aria-label={`Context of the answer under the plan ${run.choice.label}`}
        aria-valuemin={1}
        aria-valuemax={cells}
        aria-valuenow={focused + 1}
        aria-valuetext={wordsOf(trace, documents, focused)}
        onKeyDown={onKey}
        onFocus={() => setHasFocus(true)}
        onBlur={() => setHasFocus(false)}
      >
        {shape && (
          <svg
            width={shape.width}
            height={shape.height}
            aria-hidden="true"
            onPointerMove={onPointer}
            onPointerLeave={() => setPointed(undefined)}
            onClick={() => {
              if (pointed === undefined) return;
              setFocused(pointed);
              onOpen(pointed);
            }}
          >
            <Cells trace={trace} documents={documents} shape={shape} />
            <Outline shape={shape} cell={shown} />
          </svg>
        )}
      </div>
      <figcaption>
        <Inspected trace={trace} documents={documents} block={shown} />
        <Legend />
      </figcaption>
      <RibbonTable trace={trace} documents={documents} onOpen={onOpen} />
    </figure>
  );
}

interface CellsProps {
  readonly trace: Trace;
  readonly documents: Documents;
  readonly shape: RibbonShape;
}

/** Drawn anew only when the answer or the width changes, not while a pointer moves. */
function Cells({ trace, documents, shape }: CellsProps) {
  return useMemo(() => {
    const { blocks, passages, cached_tokens: cached } = trace;
    const cells = blocks.length;
    const most = Math.max(...blocks.map(({ attended }) => attended), 1e-9);
    const marks = passages
      .slice(0, 3)
      .map(({ peak }, i) => ({ name: String(i + 1), ...placeOf(shape, blockAt(trace, peak)) }));
    const begins = documents.files.length > 1 ? beginsOf(trace, documents, shape) : [];
    return (
      <g>
        <path class="track" d={bars(shape, lanes.kept, cells, () => 1)} />
        <path class="track" d={bars(shape, lanes.cached, cells, () => 1)} />
        <path class="kept" d={bars(shape, lanes.kept, cells, (cell) => blocks[cell].kept)} />
        <path
          class="cached"
          d={bars(shape, lanes.cached, cells, (cell) => ((cell + 1) * BLOCK_TOKENS <= cached ? 1 : 0))}
        />
        <path class="attended" d={bars(shape, lanes.attended, cells, (cell) => blocks[cell].attended / most)} />
        {begins.map(({ x, y, name }) => (
          <g key={name}>
            <path class="begin" d={`M${x - 0.5} ${y + 1}V${y + lanes.cached.top + lanes.cached.height}`} />
            <text class="name" x={x + 3} y={y + 9}>
              {name}
            </text>
          </g>
        ))}
        {marks.map(({ name, x, y }) => (
          <text key={name} class="mark" x={x + shape.pitch / 2} y={y + 20}>
            {name}
          </text>
        ))}
      </g>
    );
  }, [trace, documents, shape]);
}

/** Where files begin, each with as much of its name as there is room for up to the next. */
function beginsOf(trace: Trace, documents: Documents, shape: RibbonShape) {
  const blocks = firstBlocks(documents, trace);
  return documents.files.map(({ name }, i) => {
    const rest = shape.perRow - (blocks[i] % shape.perRow);
    const cells = Math.min(rest, (blocks[i + 1] ?? Number.POSITIVE_INFINITY) - blocks[i]);
    return { ...placeOf(shape, blocks[i]), name: endOf(name, Math.floor((cells * shape.pitch) / LETTER) - 1) };
  });
}

/** The end of a path says more than its beginning. */
function endOf(name: string, length: number): string {
  if (length < 3) return "";
  return name.length <= length ? name : `…${name.slice(1 - length)}`;
}

function Outline({ shape, cell }: { shape: RibbonShape; cell: number }) {
  const { x, y } = placeOf(shape, cell);
  const { top } = lanes.attended;
  const height = lanes.cached.top + lanes.cached.height - top;
  return <rect class="outline" x={x - 1} y={y + top - 1} width={shape.pitch + 1} height={height + 2} rx="1.5" />;
}

function Inspected({ trace, documents, block }: { trace: Trace; documents: Documents; block: number }) {
  const { start, end } = trace.blocks[block];
  return (
    <p class="inspected">
      <span class="facts">{factsOf(trace, documents, block)}</span>
      <q>{end > start ? oneLine(documents.text.slice(start, end), 260) : "outside of the documents"}</q>
    </p>
  );
}

function Legend() {
  return (
    <ul class="legend" aria-hidden="true">
      <li class="attended">attended to</li>
      <li class="kept">held</li>
      <li class="cached">from the cache</li>
    </ul>
  );
}

function factsOf(trace: Trace, documents: Documents, block: number): string {
  const { attended, kept } = trace.blocks[block];
  const first = block * BLOCK_TOKENS;
  const last = Math.min(trace.prompt_tokens, first + BLOCK_TOKENS);
  const source = last <= trace.cached_tokens ? "from the cache" : "read now";
  const parts = [
    `tokens ${count(first)} to ${count(last - 1)}`,
    `${percent(attended)} of the attention`,
    `${percent(kept)} held`,
    source,
  ];
  return `${nameOfBlock(documents, trace, block)}: ${parts.join(", ")}`;
}

function wordsOf(trace: Trace, documents: Documents, block: number): string {
  const { start, end } = trace.blocks[block];
  return `${factsOf(trace, documents, block)}. ${oneLine(documents.text.slice(start, end), 120)}`;
}

function stepOf(key: string, perRow: number, cells: number): number {
  const steps: Record<string, number> = {
    ...{ ArrowLeft: -1, ArrowRight: 1, ArrowUp: -perRow, ArrowDown: perRow },
    ...{ PageUp: -16, PageDown: 16, Home: -cells, End: cells },
  };
  return steps[key] ?? 0;
}

/** Follows the width of the element that it is put upon. */
function useShape(cells: number) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState<number | undefined>();
  useLayoutEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry.contentRect.width)));
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  const shape = useMemo(() => (width === undefined ? undefined : shapeOf(cells, width)), [cells, width]);
  return [box, shape] as const;
}
