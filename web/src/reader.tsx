/**
 * The text of the documents as the answer saw it: what was attended to is shaded, what the plan has dropped is pale. A passage that
 * was chosen elsewhere is marked and scrolled to; a click on the text points at its block in the ribbon.
 */
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { fileAt } from "./places.ts";
import type { Documents, Selection, Trace } from "./types.ts";

interface ReaderProps {
  readonly documents: Documents;
  readonly trace?: Trace;
  /** The plan whose answer shades the text. */
  readonly label?: string;
  readonly selection?: Selection;
  readonly onBlock: (block: number) => void;
}

interface Piece {
  readonly text: string;
  readonly block: number;
  readonly isMarked: boolean;
}

const PROSE = /\.(txt|md|markdown|pdf|docx|epub|x?html?|rst|org|tex)$/i;

export function Reader({ documents, trace, label, selection, onBlock }: ReaderProps) {
  const id = useId();
  const [file, setFile] = useState(0);
  const pane = useRef<HTMLDivElement>(null);
  const { files, starts } = documents;

  // Before the text is drawn, so that what is scrolled to is there.
  const wanted = selection && fileAt(documents, selection.start);
  useEffect(() => {
    if (wanted !== undefined) setFile(wanted);
  }, [selection]);
  const shown = Math.min(file, files.length - 1);

  useLayoutEffect(() => {
    const mark = pane.current?.querySelector("mark");
    if (!selection || !mark || !pane.current) return;
    pane.current.scrollTop = mark.offsetTop - pane.current.clientHeight / 3;
    if (selection.isChosen) pane.current.scrollIntoView({ block: "nearest" });
  }, [selection, shown]);

  const pieces = useMemo(
    () => piecesOf(files[shown]?.text ?? "", starts[shown] ?? 0, trace, selection),
    [files, shown, trace, selection],
  );
  const most = useMemo(() => Math.max(1e-9, ...(trace?.blocks ?? []).map(({ attended }) => attended)), [trace]);
  if (files.length === 0) return null;

  return (
    <section class="reader" aria-label="Text of the documents">
      <header>
        {files.length > 1 ? (
          <>
            <label class="hidden" for={id}>
              Document
            </label>
            <select id={id} value={shown} onChange={(event) => setFile(Number(event.currentTarget.value))}>
              {files.map(({ id, name }, i) => (
                <option key={id} value={i}>
                  {name}
                </option>
              ))}
            </select>
          </>
        ) : (
          <h2>
            <bdi>{files[0].name}</bdi>
          </h2>
        )}
        {label && <small>as seen by the answer under {label}</small>}
      </header>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the ribbon is the same choice for the keyboard. */}
      <div
        ref={pane}
        id="reader"
        class={PROSE.test(files[shown].name) || !/\.\w+$/.test(files[shown].name) ? "text prose" : "text code"}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard.
        tabIndex={0}
        role="document"
        aria-label={files[shown].name}
        onClick={(event) => {
          const { block } = (event.target as HTMLElement).dataset;
          if (block !== undefined && getSelection()?.isCollapsed !== false) onBlock(Number(block));
        }}
      >
        {pieces.map(({ text, block, isMarked }, i) => {
          if (block < 0) return <span key={i}>{text}</span>;
          const { attended, kept } = trace!.blocks[block];
          const style = { "--share": String(attended / most), "--held": String(kept) };
          const Tag = isMarked ? "mark" : "span";
          return (
            <Tag key={i} data-block={block} style={style}>
              {text}
            </Tag>
          );
        })}
      </div>
    </section>
  );
}

/** A file's text, cut where blocks begin and where the selection does. */
function piecesOf(text: string, start: number, trace: Trace | undefined, selection: Selection | undefined): Piece[] {
  if (!trace?.text) return [{ text, block: -1, isMarked: false }];
  const end = start + text.length;
  const within = (character: number) => Math.min(end, Math.max(start, character));
  const [from, to] = selection ? [within(selection.start), within(selection.end)] : [end, end];
  const pieces: Piece[] = [];
  const add = (a: number, b: number, block: number, isMarked: boolean) => {
    if (b > a) pieces.push({ text: text.slice(a - start, b - start), block, isMarked });
  };
  for (const [block, place] of trace.blocks.entries()) {
    const [a, b] = [within(place.start), within(place.end)];
    const [c, d] = [Math.min(b, Math.max(a, from)), Math.min(b, Math.max(a, to))];
    add(a, c, block, false);
    add(c, d, block, true);
    add(d, b, block, false);
  }
  return pieces;
}
