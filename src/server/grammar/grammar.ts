/** Grammars over the tokens of one model, as constraints on what is generated. Loaded when the first is asked for. */
import type { Engine, TokenConstraint } from "../../engine/types.ts";
import { characterOfByte } from "../../tokenizer/byte-level.ts";
import type { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { RequestError } from "../errors.ts";
import {
  type CompiledGrammar,
  type GrammarCompiler,
  loadProgram,
  type Program,
  type StructuralTagFormat,
  tokenMask,
} from "./xgrammar.ts";

export type GrammarFormat = StructuralTagFormat;

/** Of one answer. Where its text may end it lets end tokens through, and nothing else where it must. */
export interface GrammarConstraint extends TokenConstraint {
  dispose(): void;
}

interface Loaded {
  readonly program: Program;
  readonly compiler: GrammarCompiler;
}

const MOST_GRAMMARS = 32;

export class Grammars {
  private readonly engine: Engine;
  /** By format, the least recently used first. */
  private readonly compiled = new Map<string, CompiledGrammar>();
  private loading?: Promise<Loaded>;
  private texts?: readonly string[];

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** Compiles a format for constraint(). Throws a RequestError that names `param` if it is wrong. */
  async check(format: GrammarFormat, param: string): Promise<void> {
    const loaded = await this.load();
    try {
      await this.compile(format, loaded);
    } catch {
      // A failure aborts the program: those that run go on in it, the next begins in another.
      this.loading = undefined;
      this.compiled.clear();
      throw new RequestError(400, `${param}: ${reasonOf(loaded.program.said)}. Correct it.`, { param });
    }
  }

  async constraint(format: GrammarFormat): Promise<GrammarConstraint> {
    const loaded = await this.load();
    const { GrammarMatcher } = loaded.program.xgrammar;
    const matcher = await GrammarMatcher.createGrammarMatcher(await this.compile(format, loaded));
    const { vocabularySize } = this.engine.model;
    return {
      mask: () => tokenMask(loaded.program, matcher, vocabularySize),
      accept(tokenId) {
        if (!matcher.acceptToken(tokenId)) throw new Error(`grammar: token ${tokenId} was taken against the mask`);
      },
      dispose: () => matcher.dispose(),
    };
  }

  private load(): Promise<Loaded> {
    this.loading ??= this.start();
    return this.loading;
  }

  private async start(): Promise<Loaded> {
    const { tokenizer, model } = this.engine;
    this.texts ??= tokenTexts(tokenizer);
    const program = loadProgram();
    const { TokenizerInfo, GrammarCompiler } = program.xgrammar;
    const ends = [...tokenizer.endIds];
    const { vocabularySize } = model;
    const info = await TokenizerInfo.createTokenizerInfo([...this.texts], "byte_level", false, vocabularySize, ends);
    const compiler = await GrammarCompiler.createGrammarCompiler(info, false);
    info.dispose();
    return { program, compiler };
  }

  private async compile(format: GrammarFormat, { compiler }: Loaded): Promise<CompiledGrammar> {
    const key = JSON.stringify(format);
    const grammar = this.compiled.get(key) ?? (await compiler.compileStructuralTag(format));
    this.compiled.delete(key);
    this.compiled.set(key, grammar);
    for (const [old, unused] of [...this.compiled].slice(0, -MOST_GRAMMARS)) {
      this.compiled.delete(old);
      unused.dispose();
    }
    return grammar;
  }
}

/** Every token's bytes in the alphabet of byte-level BPE; nothing for those that write no text. */
function tokenTexts(tokenizer: Tokenizer): string[] {
  return Array.from({ length: tokenizer.vocabularySize }, (_, id) => {
    // Twice, for a space at the very beginning is not written.
    if (tokenizer.decode([id, id]) === "") return "";
    return Array.from(tokenizer.tokenBytes(id), (byte) => characterOfByte[byte]).join("");
  });
}

/** What XGrammar says when it fails, without the place in its source. */
function reasonOf(said: readonly string[]): string {
  const fatal = said.findLast((line) => line.startsWith("[FATAL]")) ?? "it cannot be compiled";
  return fatal.replace(/^\[FATAL\] \S+: (Check failed: .*? is false: )?/, "").replace(/\.?\s*$/, "");
}
