/**
 * What the code tasks need to know of a TypeScript file, from the compiler's syntax tree: its functions, the names it
 * exports and the files it imports. The compiler is large and is loaded by the first call only.
 */
import { createRequire } from "node:module";
import type ts from "typescript-5";

export type TypeScript = typeof ts;
export type FunctionNode = ts.FunctionDeclaration;

/** A function declaration at the top level of a file. */
export interface FunctionText {
  readonly name: string;
  /** The declaration without `export` and what stands above it. */
  readonly text: string;
  /** Where `text` begins, in UTF-16 units of the file. */
  readonly start: number;
  /** Where its JSDoc begins; absent without one. */
  readonly docStart?: number;
  readonly node: FunctionNode;
}

/** A name that a file declares and exports. */
export interface ExportedName {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

export interface ParsedFile {
  readonly functions: readonly FunctionText[];
  /** Names of every function in the file, nested ones too. */
  readonly functionNames: readonly string[];
  readonly exported: readonly ExportedName[];
  /** Names that are exported without being declared there: `export { a as b } from`. */
  readonly reexported: readonly string[];
  /** Relative module names, as written. */
  readonly imports: readonly string[];
}

export function typescript(): TypeScript {
  return createRequire(import.meta.url)("typescript-5") as TypeScript;
}

export function parseFile(path: string, text: string): ParsedFile {
  const ts = typescript();
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const functions: FunctionText[] = [];
  const exported: ExportedName[] = [];
  const reexported: string[] = [];
  const imports: string[] = [];
  for (const statement of source.statements) {
    if (ts.isFunctionDeclaration(statement) && statement.name && statement.body)
      functions.push(functionText(statement, source));
    if (ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)) {
      const module = statement.moduleSpecifier;
      if (module && ts.isStringLiteral(module) && module.text.startsWith(".")) imports.push(module.text);
    }
    if (ts.isExportDeclaration(statement) && statement.exportClause) {
      const clause = statement.exportClause;
      if (ts.isNamedExports(clause)) reexported.push(...clause.elements.map((element) => element.name.text));
      else reexported.push(clause.name.text);
    }
    if (ts.canHaveModifiers(statement) && ts.getModifiers(statement)?.some(isExport))
      for (const name of declaredNames(statement))
        exported.push({ name, start: statement.getStart(source), end: statement.getEnd() });
  }
  return { functions, functionNames: allFunctionNames(source), exported, reexported, imports };
}

/** The text of the first top-level function in a piece of code, as models answer with. */
export function firstFunction(code: string): string | undefined {
  return parseFile("answer.ts", code).functions[0]?.text;
}

function isExport(modifier: ts.ModifierLike): boolean {
  return modifier.kind === typescript().SyntaxKind.ExportKeyword;
}

function functionText(node: FunctionNode, source: ts.SourceFile): FunctionText {
  const ts = typescript();
  const start = node.modifiers?.find(isAsync)?.getStart(source) ?? keywordStart(node, source);
  const [doc] = ts.getJSDocCommentsAndTags(node);
  return { name: node.name!.text, text: source.text.slice(start, node.end), start, docStart: doc?.pos, node };
}

function isAsync(modifier: ts.ModifierLike): boolean {
  return modifier.kind === typescript().SyntaxKind.AsyncKeyword;
}

/** Where `function` stands: after `export` and `default`. */
function keywordStart(node: FunctionNode, source: ts.SourceFile): number {
  const keyword = node.getChildren(source).find(({ kind }) => kind === typescript().SyntaxKind.FunctionKeyword);
  return keyword!.getStart(source);
}

function allFunctionNames(source: ts.SourceFile): string[] {
  const ts = typescript();
  const names: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionDeclaration(node) && node.name && node.body) names.push(node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return names;
}

function declaredNames(statement: ts.Statement): string[] {
  const ts = typescript();
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.flatMap(({ name }) => (ts.isIdentifier(name) ? [name.text] : []));
  const isNamed =
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isEnumDeclaration(statement) ||
    ts.isModuleDeclaration(statement);
  return isNamed && statement.name ? [statement.name.text] : [];
}
