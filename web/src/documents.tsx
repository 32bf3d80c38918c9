/** The documents in the order in which the model reads them, and how much of its context they take. */
import { useRef } from "preact/hooks";
import type { NamedFile } from "./files.ts";
import { filesOfInput } from "./files.ts";
import { count } from "./format.ts";
import type { DocumentFile } from "./types.ts";

export interface FileTrouble {
  readonly id: number;
  readonly name: string;
  readonly reason: string;
}

interface DocumentsProps {
  readonly files: readonly DocumentFile[];
  /** Names of files that the server is reading. */
  readonly reading: readonly string[];
  readonly troubles: readonly FileTrouble[];
  readonly contextLength?: number;
  /** Tokens kept free for question and answer. */
  readonly reserve: number;
  readonly onAdd: (files: NamedFile[]) => void;
  readonly onFiles: (files: readonly DocumentFile[]) => void;
  readonly onForget: (id: number) => void;
}

export function DocumentsPanel(props: DocumentsProps) {
  const { files, reading, troubles, onForget } = props;
  return (
    <section class="documents" aria-labelledby="documents-title">
      <header>
        <h2 id="documents-title">Documents</h2>
        <AddButtons onAdd={props.onAdd} />
      </header>
      {files.length === 0 && reading.length === 0 && (
        <p class="hint">
          Drop files or a folder anywhere on this page: PDF, DOCX, EPUB, HTML, text or code. They go to this server
          only, and are held in memory.
        </p>
      )}
      {files.length > 0 && <FileList {...props} />}
      <div role="status">
        {reading.length > 0 && (
          <p class="hint">
            Taking the text out of {reading[0]}
            {reading.length > 1 && `, then ${reading.length - 1} more`} …
          </p>
        )}
      </div>
      {troubles.map(({ id, name, reason }) => (
        <p key={id} class="trouble" role="alert">
          <b>{name}</b> {reason}{" "}
          <button type="button" onClick={() => onForget(id)}>
            Dismiss
          </button>
        </p>
      ))}
      {files.length > 0 && <ContextBar {...props} />}
    </section>
  );
}

function AddButtons({ onAdd }: Pick<DocumentsProps, "onAdd">) {
  const chooser = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const add = (event: Event & { currentTarget: HTMLInputElement }) => onAdd(filesOfInput(event.currentTarget));
  return (
    <div class="buttons">
      <input ref={chooser} type="file" multiple hidden aria-label="Files" onChange={add} />
      <input
        ref={folder}
        type="file"
        multiple
        hidden
        aria-label="Folder"
        onChange={add}
        {...{ webkitdirectory: true }}
      />
      <button type="button" onClick={() => chooser.current?.click()}>
        Add files
      </button>
      <button type="button" onClick={() => folder.current?.click()}>
        Add a folder
      </button>
    </div>
  );
}

function FileList({ files, onFiles }: DocumentsProps) {
  const move = (from: number, to: number) => {
    const order = [...files];
    const [moved] = order.splice(from, 1);
    order.splice(to, 0, moved);
    onFiles(order);
  };
  return (
    <ol>
      {files.map(({ id, name, tokens, notes }, i) => (
        <li key={id}>
          <span class="name" title={name}>
            <bdi>{name}</bdi>
          </span>
          <span class="tokens">{count(tokens)} tokens</span>
          <span class="buttons">
            <button type="button" aria-label={`Move ${name} up`} disabled={i === 0} onClick={() => move(i, i - 1)}>
              ↑
            </button>
            <button
              type="button"
              aria-label={`Move ${name} down`}
              disabled={i === files.length - 1}
              onClick={() => move(i, i + 1)}
            >
              ↓
            </button>
            <button
              type="button"
              aria-label={`Remove ${name}`}
              onClick={() => onFiles(files.filter((file) => file.id !== id))}
            >
              ×
            </button>
          </span>
          {notes.length > 0 && <small>{notes.join("; ")}</small>}
        </li>
      ))}
    </ol>
  );
}

function ContextBar({ files, contextLength, reserve }: DocumentsProps) {
  if (contextLength === undefined) return null;
  const total = totalOf(files);
  const room = contextLength - reserve;
  const scale = Math.max(contextLength, total);
  const width = (tokens: number) => ({ width: `${(100 * tokens) / scale}%` });
  return (
    <div class={total > room ? "context over" : "context"}>
      <div class="bar" role="img" aria-label={`${count(total)} of ${count(contextLength)} tokens of context`}>
        {files.map(({ id, tokens }) => (
          <i key={id} style={width(tokens)} />
        ))}
        {total > contextLength && <b style={{ left: `${(100 * contextLength) / scale}%` }} />}
      </div>
      {total > room ? (
        <p role="alert">
          {count(total)} tokens are {count(total - room)} more than fit: the context is {count(contextLength)}, of which{" "}
          {count(reserve)} are for question and answer. Remove a document, or choose a plan that reaches further.
        </p>
      ) : (
        <p>
          {count(total)} of {count(contextLength)} tokens
        </p>
      )}
    </div>
  );
}

export function totalOf(files: readonly DocumentFile[]): number {
  return files.reduce((sum, { tokens }) => sum + tokens, 0);
}
