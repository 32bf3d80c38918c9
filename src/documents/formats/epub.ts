/**
 * EPUB 2 and 3: META-INF/container.xml names the package document, whose spine lists the chapters in reading order.
 * Source: EPUB Open Container Format 3.3, section 4.2.6; EPUB Packages 3.3, sections 5.6 and 5.7.
 */
import { posix } from "node:path";
import { UnsupportedError } from "../../runtime/errors.ts";
import { htmlToText } from "./html.ts";
import { decodeText } from "./text.ts";
import { corrupt, unzip } from "./zip.ts";

export function readEpub(bytes: Uint8Array, path: string): string {
  const files = unzip(
    bytes,
    path,
    "EPUB",
    (name) => !/\.(jpe?g|png|gif|svg|webp|css|[ot]tf|woff2?|mp[34])$/i.test(name),
  );
  const read = (name: string): string => {
    if (!Object.hasOwn(files, name)) throw corrupt(path, "EPUB", `no ${name}`);
    return decodeText(files[name], `${path} (${name})`);
  };

  const packagePath = elements(read("META-INF/container.xml"), "rootfile")[0]?.["full-path"];
  if (packagePath === undefined) throw corrupt(path, "EPUB", "container.xml names no package document");
  const packageXml = read(packagePath);
  const manifest = new Map(elements(packageXml, "item").map((item) => [item.id, item]));
  const chapters = elements(packageXml, "itemref").map(({ idref }) => {
    const href = manifest.get(idref)?.href;
    if (href === undefined) throw corrupt(path, "EPUB", `no manifest item "${idref}"`);
    return posix.join(posix.dirname(packagePath), unescapeUrl(href.split("#")[0]));
  });
  expectReadable(chapters, "META-INF/encryption.xml" in files ? read("META-INF/encryption.xml") : "", path);
  return chapters
    .map((chapter) => htmlToText(read(chapter), path))
    .filter((text) => text !== "")
    .join("\n\n");
}

/** Books without copy protection have an encryption.xml too: it names fonts that are merely obfuscated. */
function expectReadable(chapters: string[], encryptionXml: string, path: string): void {
  const encrypted = new Set(elements(encryptionXml, "CipherReference").map(({ URI }) => unescapeUrl(URI)));
  if (chapters.some((chapter) => encrypted.has(chapter)))
    throw new UnsupportedError(`${path}: is copy-protected (DRM), expected a book that can be read. Use one without.`);
}

/** The attributes of each `name` element, whatever its namespace prefix. Both files are flat lists: no tree is needed. */
function elements(xml: string, name: string): Record<string, string>[] {
  const tags = xml.replace(/<!--.*?-->/gs, "").matchAll(new RegExp(`<(?:[\\w.-]+:)?${name}\\s([^>]*)>`, "g"));
  return [...tags].map(([, attributes]) =>
    Object.fromEntries(
      [...attributes.matchAll(/([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)].map(([, key, double, single]) => [
        key,
        unescapeXml(double ?? single),
      ]),
    ),
  );
}

/** A "%" that escapes nothing stands for itself, as in file names that were never escaped. */
function unescapeUrl(url: string): string {
  return url.replace(/(%[\da-f]{2})+/gi, (escaped) => Buffer.from(escaped.replaceAll("%", ""), "hex").toString());
}

function unescapeXml(value: string): string {
  return value
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&amp;", "&");
}
