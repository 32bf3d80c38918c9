/** What a model argument means: a name of the catalogue, `hf:owner/repository/path.gguf`, or a path to a file. */
import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { InputError } from "../runtime/errors.ts";
import { type CatalogueModel, catalogue } from "./catalogue.ts";
import { modelsFolder } from "./home.ts";
import { nearestName } from "./nearest.ts";

export type ModelReference =
  | { readonly kind: "catalogue"; readonly name: string; readonly path: string; readonly model: CatalogueModel }
  | {
      readonly kind: "hub";
      readonly name: string;
      readonly path: string;
      readonly repository: string;
      readonly file: string;
    }
  | { readonly kind: "file"; readonly name: string; readonly path: string };

/** Throws InputError if the argument is none of the three, or a path where no file is. */
export function parseReference(argument: string): ModelReference {
  if (argument.startsWith("hf:")) return parseHubReference(argument);
  const model = catalogue.find(({ name }) => name === argument);
  if (model) return { kind: "catalogue", name: model.name, path: join(modelsFolder(), model.file), model };

  const stat = statSync(argument, { throwIfNoEntry: false });
  if (stat?.isDirectory())
    throw new InputError(
      `model "${argument}": expected a GGUF file, got a directory. Give the path of the file in it.`,
    );
  if (stat) return { kind: "file", name: argument, path: resolve(argument) };
  if (/[/\\]|\.gguf$/i.test(argument))
    throw new InputError(`model "${argument}": no such file. Check the path, or give a name: ${listNames()}.`);
  const nearest = nearestName(
    argument,
    catalogue.map(({ name }) => name),
  );
  throw new InputError(
    `model "${argument}": expected a name (${listNames()}), a path to a GGUF file or hf:owner/repository/file.gguf, got neither. ` +
      (nearest ? `Did you mean "${nearest}"?` : "List the names with: longspan models list"),
    { expected: catalogue.map(({ name }) => name), got: argument },
  );
}

function parseHubReference(argument: string): ModelReference {
  const segments = argument.slice("hf:".length).split("/");
  const [owner, repository, ...file] = segments;
  // Segments become folders below the models folder, so that nothing like ".." may pass.
  const areSafe = segments.every((segment) => /^[\w][\w.+-]*$/.test(segment));
  if (file.length === 0 || !areSafe || !argument.endsWith(".gguf"))
    throw new InputError(
      `model "${argument}": expected hf:owner/repository/file.gguf, got another form. ` +
        "Copy the names from the repository's page, e.g. hf:Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF/qwen2.5-coder-0.5b-instruct-q4_0.gguf.",
      { got: argument },
    );
  return {
    kind: "hub",
    name: argument,
    path: join(modelsFolder(), "hf", ...segments),
    repository: `${owner}/${repository}`,
    file: file.join("/"),
  };
}

function listNames(): string {
  return catalogue.map(({ name }) => name).join(", ");
}
