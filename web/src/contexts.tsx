/** Texts that the server keeps on disk: what they take, pinned or not, and how to be rid of them. */
import { useEffect, useState } from "preact/hooks";
import { ApiError, getJson, request } from "./api.ts";
import { bytes, count } from "./format.ts";

interface StoredContext {
  readonly id: string;
  readonly model: string;
  readonly tokens: number;
  readonly bytes: number;
  readonly usedAt: string;
  readonly isPinned: boolean;
  readonly firstWords: string | null;
}

interface Stored {
  readonly data: readonly StoredContext[];
  readonly memory: { readonly sessions: number; readonly bytes: number; readonly maxBytes: number };
}

export function Contexts() {
  const [stored, setStored] = useState<Stored | undefined>();
  const [said, setSaid] = useState("");
  const load = async () => {
    try {
      setStored(await getJson<Stored>("/v1/cache"));
      setSaid("");
    } catch (error) {
      setSaid(
        error instanceof ApiError && error.status === 404
          ? "This server keeps no texts on disk."
          : (error as Error).message,
      );
    }
  };
  const change = async (path: string, method: string) => {
    try {
      await request(path, { method });
      await load();
    } catch (error) {
      setSaid((error as Error).message);
    }
  };
  useEffect(() => void load(), []);
  return (
    <>
      <p role="status" class="hint">
        {said || (stored ? summaryOf(stored) : "Looking …")}
      </p>
      {stored && stored.data.length > 0 && (
        <div class="scroll">
          <table class="contexts">
            <thead>
              <tr>
                {["Text", "Tokens", "Size", "Used", ""].map((title) => (
                  <th key={title} scope="col">
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {stored.data.map(({ id, model, tokens, bytes: size, usedAt, isPinned, firstWords }) => (
                <tr key={id}>
                  <th scope="row">
                    {firstWords ?? <i>of another model</i>}
                    <small>{model}</small>
                  </th>
                  <td>{count(tokens)}</td>
                  <td>{bytes(size)}</td>
                  <td>{new Date(usedAt).toLocaleString()}</td>
                  <td class="buttons">
                    <button
                      type="button"
                      aria-pressed={isPinned}
                      onClick={() => change(`/v1/cache/${id}/${isPinned ? "unpin" : "pin"}`, "POST")}
                    >
                      {isPinned ? "Unpin" : "Pin"}
                    </button>
                    <button type="button" disabled={isPinned} onClick={() => change(`/v1/cache/${id}`, "DELETE")}>
                      Drop
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function summaryOf({ data, memory }: Stored): string {
  const disk = data.length === 0 ? "Nothing is kept on disk yet." : `${count(data.length)} texts are kept on disk.`;
  return `${disk} In memory: ${count(memory.sessions)} readings, ${bytes(memory.bytes)} of at most ${bytes(memory.maxBytes)}.`;
}
