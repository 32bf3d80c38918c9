/** The list of documents, and the server's reading of new ones, one after the other in their order. */
import { useRef, useState } from "preact/hooks";
import type { ApiError } from "./api.ts";
import type { FileTrouble } from "./documents.tsx";
import { type NamedFile, readFile } from "./files.ts";
import type { DocumentFile } from "./types.ts";

export function useFiles(onFailure: (error: unknown) => void) {
  const [files, setFiles] = useState<readonly DocumentFile[]>([]);
  const [reading, setReading] = useState<readonly string[]>([]);
  const [troubles, setTroubles] = useState<readonly FileTrouble[]>([]);
  const nextId = useRef(0);
  const queue = useRef(Promise.resolve());

  const read = async (file: NamedFile) => {
    const id = nextId.current++;
    try {
      const document = await readFile(file);
      setFiles((all) => [...all.filter(({ name }) => name !== document.name), { id, ...document }]);
    } catch (error) {
      const { status = 0, message } = error as Partial<ApiError>;
      if (status === 401) onFailure(error);
      else setTroubles((all) => [...all, { id, name: file.name, reason: message ?? "cannot be read." }]);
    }
    setReading(([, ...rest]) => rest);
  };
  const add = (added: NamedFile[]) => {
    setReading((names) => [...names, ...added.map(({ name }) => name)]);
    for (const file of added) queue.current = queue.current.then(() => read(file));
  };
  const forget = (id: number) => setTroubles((all) => all.filter((trouble) => trouble.id !== id));
  return { files, reading, troubles, add, setFiles, forget };
}
