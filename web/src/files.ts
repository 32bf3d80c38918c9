/** Files that a person chose or dropped, as the server's text. */
import { ApiError, request } from "./api.ts";

export interface NamedFile {
  /** With the folders it lay in, if it came with one. */
  readonly name: string;
  readonly file: File;
}

export interface ReadFile {
  readonly name: string;
  readonly text: string;
  readonly tokens: number;
  readonly notes: readonly string[];
}

/** What the server takes in one request. */
const MOST_BYTES = 60 << 20;
const LEFT_OUT =
  /(^|\/)(\.[^/]+|node_modules)(\/|$)|\.lock$|(^|\/)(package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|go\.sum)$/;

/** In the order of names, as the command line has them. What nobody looks for an answer in is left out of folders. */
export function filesOfInput(input: HTMLInputElement): NamedFile[] {
  const files = [...(input.files ?? [])].map((file) => ({ name: file.webkitRelativePath || file.name, file }));
  input.value = "";
  return sorted(files);
}

/** Of a drop, folders included. */
export async function filesOfDrop(transfer: DataTransfer): Promise<NamedFile[]> {
  // All are taken at once: a drop is over when its event is.
  const items = [...transfer.items].map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  const found: NamedFile[] = [];
  for (const { entry, file } of items) {
    if (entry) await collect(entry, found);
    else if (file) found.push({ name: file.name, file });
  }
  return sorted(found);
}

async function collect(entry: FileSystemEntry, found: NamedFile[]): Promise<void> {
  const name = entry.fullPath.replace(/^\//, "");
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    found.push({ name, file });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // A folder comes in batches; an empty one is its end.
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (batch.length === 0) return;
    for (const inner of batch) if (!LEFT_OUT.test(inner.fullPath)) await collect(inner, found);
  }
}

function sorted(files: NamedFile[]): NamedFile[] {
  return files
    .filter(({ name }) => !name.includes("/") || !LEFT_OUT.test(name))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** Throws ApiError that says why a file has no text. */
export async function readFile({ name, file }: NamedFile): Promise<ReadFile> {
  if (file.size > MOST_BYTES)
    throw new ApiError(413, `is larger than ${MOST_BYTES >> 20} MB. Split it, or use longspan ask.`);
  const form = new FormData();
  form.append("files", file, name);
  const response = await request("/v1/documents", { method: "POST", body: form });
  const { documents } = (await response.json()) as { documents: (ReadFile & { error?: string })[] };
  const [answer] = documents;
  if (answer.error !== undefined) throw new ApiError(400, answer.error);
  // A form keeps no folders in some browsers.
  return { ...answer, name };
}
