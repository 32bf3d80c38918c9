/** What a ribbon shows, in words: for readers of the screen, and for copying. Its rows are made when it is opened. */
import { useState } from "preact/hooks";
import { count, oneLine, percent } from "./format.ts";
import { nameOfBlock } from "./places.ts";
import type { Documents, Trace } from "./types.ts";

interface RibbonTableProps {
  readonly trace: Trace;
  readonly documents: Documents;
  readonly onOpen: (block: number) => void;
}

export function RibbonTable({ trace, documents, onOpen }: RibbonTableProps) {
  const [isOpen, setOpen] = useState(false);
  const { blocks, block_tokens: size, cached_tokens: cached, prompt_tokens: total } = trace;
  return (
    <details class="table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>As a table</summary>
      {isOpen && (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                {["tokens", "attended", "held", "cache", "where", "begins"].map((title) => (
                  <th key={title} scope="col">
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {blocks.map(({ attended, kept, start, end }, block) => (
                <tr key={block}>
                  <th scope="row">
                    <button type="button" onClick={() => onOpen(block)}>
                      {count(block * size)}–{count(Math.min(total, (block + 1) * size) - 1)}
                    </button>
                  </th>
                  <td>{percent(attended)}</td>
                  <td>{percent(kept)}</td>
                  <td>{Math.min(total, (block + 1) * size) <= cached ? "yes" : "no"}</td>
                  <td>{nameOfBlock(documents, trace, block)}</td>
                  <td>{oneLine(documents.text.slice(start, end), 60)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}
