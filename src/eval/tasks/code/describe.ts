/**
 * Describes a function without naming it, from its syntax tree: RepoQA's four parts (purpose, input, output,
 * procedure), where RepoQA asks a language model for them. The purpose is the function's own JSDoc; a function without
 * one gets the procedure instead. Identifiers are masked, but for those of the language's own library.
 */
import type ts from "typescript-5";
import { procedureOf } from "./procedure.ts";
import { type FunctionText, typescript } from "./typescript.ts";

export interface Description {
  /** Numbered parts, one a line. */
  readonly text: string;
  /** The JSDoc is quoted, and must not stand in the context. */
  readonly quotesDoc: boolean;
}

export function describe({ name, node }: FunctionText, library: ReadonlySet<string>): Description {
  const purpose = purposeOf(node, name);
  const generic = new Set(node.typeParameters?.map((parameter) => parameter.name.text));
  const typeWords = (type: ts.TypeNode | undefined) => wordsForType(type, generic, library);
  const parts = [
    ...(purpose === undefined ? [] : [`**Purpose**: ${purpose}`]),
    `**Input**: ${inputOf(node, typeWords)}`,
    `**Output**: ${node.type === undefined ? "not declared" : typeWords(node.type)}.`,
    ...(purpose === undefined ? [`**Procedure**: ${procedureOf(node.body!, library)}`] : []),
  ];
  return { text: parts.map((part, index) => `${index + 1}. ${part}`).join("\n"), quotesDoc: purpose !== undefined };
}

function inputOf(node: ts.FunctionDeclaration, typeWords: (type: ts.TypeNode | undefined) => string): string {
  const parameters = node.parameters.map((parameter) => {
    const kind = parameter.dotDotDotToken
      ? "the rest, "
      : parameter.questionToken || parameter.initializer
        ? "optional "
        : "";
    return `${kind}${typeWords(parameter.type)}`;
  });
  if (parameters.length === 0) return "none.";
  return `${parameters.length === 1 ? "one parameter" : `${parameters.length} parameters`}: ${parameters.join("; ")}.`;
}

/** The first paragraph of the JSDoc with the names of function and parameters and all compound words masked. */
function purposeOf(node: ts.FunctionDeclaration, name: string): string | undefined {
  const ts = typescript();
  const doc = ts.getJSDocCommentsAndTags(node).at(-1);
  if (doc === undefined || !ts.isJSDoc(doc)) return undefined;
  const text = ts
    .getTextOfJSDocComment(doc.comment)
    ?.trim()
    .split(/\n\s*\n/)[0];
  if (text === undefined || text.length < 30) return undefined;
  // Compound identifiers stand in prose for what they name; plain words are what the description consists of.
  const isCompound = (word: string) => /[a-z][A-Z]|[$_]/.test(word);
  const masked = text.replace(/[$\w]+/g, (word) => (word === name || isCompound(word) ? "_" : word));
  const own = new Set(node.parameters.map((parameter) => parameter.name.getText()));
  const spans = masked.replace(/`([$\w]+)`/g, (span, word) => (own.has(word) ? "`_`" : span));
  return spans.replace(/\s+/g, " ");
}

function wordsForType(
  type: ts.TypeNode | undefined,
  generic: ReadonlySet<string>,
  library: ReadonlySet<string>,
): string {
  const ts = typescript();
  const words = (node: ts.TypeNode | undefined): string => {
    if (node === undefined) return "anything";
    if (ts.isParenthesizedTypeNode(node)) return words(node.type);
    if (ts.isTypeOperatorNode(node)) return words(node.type);
    if (ts.isArrayTypeNode(node)) return `array of ${words(node.elementType)}`;
    if (ts.isTupleTypeNode(node)) return `tuple of ${node.elements.length}`;
    if (ts.isUnionTypeNode(node)) return node.types.map(words).join(" or ");
    if (ts.isLiteralTypeNode(node)) return node.literal.getText();
    if (ts.isFunctionTypeNode(node)) return `function of ${count(node.parameters.length, "parameter")}`;
    if (ts.isTypeLiteralNode(node)) return `object with ${count(node.members.length, "member")}`;
    if (ts.isTypePredicateNode(node))
      return node.assertsModifier ? "nothing, but an assertion about the type" : "boolean that narrows the type";
    if (ts.isTypeReferenceNode(node)) return reference(node);
    return ts.isToken(node) ? node.getText() : "computed type";
  };
  const reference = (node: ts.TypeReferenceNode): string => {
    const name = node.typeName.getText();
    if (generic.has(name)) return "generic type";
    if (!library.has(name)) return "own type";
    return node.typeArguments === undefined ? name : `${name} of ${node.typeArguments.map(words).join(" and ")}`;
  };
  return words(type);
}

function count(quantity: number, noun: string): string {
  return `${quantity} ${noun}${quantity === 1 ? "" : "s"}`;
}
