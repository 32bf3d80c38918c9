/**
 * A function body in numbered words: its control structure, its literals and its calls of the language's own library.
 * Every other identifier is masked as `_`.
 */
import type ts from "typescript-5";
import { typescript } from "./typescript.ts";

const mostSteps = 12;
const mostNested = 4;
const mostCharacters = 80;

export function procedureOf(body: ts.Block, library: ReadonlySet<string>): string {
  const steps = body.statements.flatMap((statement) => wordsFor(statement, library, 0));
  const shown = steps.slice(0, mostSteps).map((step, index) => `(${index + 1}) ${step}`);
  if (steps.length > mostSteps) shown.push(`and ${steps.length - mostSteps} further steps`);
  return `${shown.join("; ") || "does nothing"}.`;
}

function wordsFor(statement: ts.Statement, library: ReadonlySet<string>, level: number): string[] {
  const ts = typescript();
  const masked = (node: ts.Node | undefined) => (node === undefined ? "nothing" : mask(node, library));
  const inner = (node: ts.Statement): string => {
    const statements = ts.isBlock(node) ? [...node.statements] : [node];
    if (level === 2) return `${statements.length} more steps`;
    const words = statements.flatMap((nested) => wordsFor(nested, library, level + 1));
    const rest = words.length > mostNested ? [`${words.length - mostNested} more`] : [];
    return words.length === 0 ? "do nothing" : [...words.slice(0, mostNested), ...rest].join(", ");
  };
  const loop = (head: string, node: ts.IterationStatement) => [`${head} {${inner(node.statement)}}`];

  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.map(({ initializer }) =>
      initializer === undefined ? "declare a variable" : `set a variable to ${masked(initializer)}`,
    );
  if (ts.isIfStatement(statement)) {
    const otherwise = statement.elseStatement === undefined ? "" : `, otherwise {${inner(statement.elseStatement)}}`;
    return [`if ${masked(statement.expression)} {${inner(statement.thenStatement)}}${otherwise}`];
  }
  if (ts.isForOfStatement(statement)) return loop(`for each of ${masked(statement.expression)}`, statement);
  if (ts.isForInStatement(statement)) return loop(`for each key of ${masked(statement.expression)}`, statement);
  if (ts.isForStatement(statement)) return loop(`count while ${masked(statement.condition)}`, statement);
  if (ts.isWhileStatement(statement)) return loop(`while ${masked(statement.expression)}`, statement);
  if (ts.isDoStatement(statement)) return loop(`repeat while ${masked(statement.expression)}`, statement);
  if (ts.isReturnStatement(statement)) return [`return ${masked(statement.expression)}`];
  if (ts.isThrowStatement(statement)) return [`throw ${masked(statement.expression)}`];
  if (ts.isExpressionStatement(statement)) return [`do ${masked(statement.expression)}`];
  if (ts.isSwitchStatement(statement))
    return [`choose among ${statement.caseBlock.clauses.length} cases by ${masked(statement.expression)}`];
  if (ts.isTryStatement(statement)) return [`try {${inner(statement.tryBlock)}} and handle what goes wrong`];
  if (ts.isFunctionDeclaration(statement)) return ["define an inner function"];
  if (ts.isBlock(statement)) return [inner(statement)];
  if (ts.isBreakStatement(statement)) return ["leave the loop"];
  if (ts.isContinueStatement(statement)) return ["go on with the next"];
  return [];
}

/** The source of an expression with its own names as `_`, comments dropped, on one line of limited length. */
function mask(node: ts.Node, library: ReadonlySet<string>): string {
  const ts = typescript();
  const parts: string[] = [];
  const visit = (child: ts.Node): void => {
    const children = child.getChildren();
    // What the compiler is told about a type says nothing about what happens.
    if (ts.isAsExpression(child) || ts.isNonNullExpression(child)) visit(child.expression);
    else if (ts.isTypeNode(child)) parts.push("_");
    else if (children.length > 0) children.forEach(visit);
    else if (ts.isIdentifier(child)) parts.push(library.has(child.text) ? child.text : "_");
    else parts.push(child.getText());
  };
  visit(node);
  const text = joined(
    parts.filter((part) => part !== ""),
    (part) => part === "_" || library.has(part),
  );
  return text.length > mostCharacters ? `${text.slice(0, mostCharacters)}…` : text;
}

/** Spaces between words and around operators, none inside calls and member accesses, no comma before a closing bracket. */
function joined(tokens: readonly string[], isName: (token: string) => boolean): string {
  let text = "";
  for (const [i, token] of tokens.entries()) {
    const last = tokens[i - 1] ?? "(";
    if (token === "," && [")", "]", "}"].includes(tokens[i + 1])) continue;
    const opensCall = ["(", "["].includes(token) && (isName(last) || [")", "]"].includes(last));
    const follows = [",", ";", ":", ")", "]", ".", "?.", "++", "--"].includes(token) || /^\}./.test(token);
    const leads = ["(", "[", ".", "?.", "!", "..."].includes(last) || last.endsWith("${");
    text += opensCall || follows || leads ? token : ` ${token}`;
  }
  return text;
}
