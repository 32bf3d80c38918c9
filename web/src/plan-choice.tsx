/** A plan out of the presets, or as JSON, which the server checks. */
import { useEffect, useId, useState } from "preact/hooks";
import { checkPlan } from "./api.ts";
import { count } from "./format.ts";
import type { PlanChoice, Plans } from "./types.ts";

const OWN = "own";
const SUGGESTION = '{ "cache": { "score": "key-diff", "schedule": "streaming", "budget": 1024 } }';
const PAUSE_MS = 300;

interface PlanChoiceProps {
  readonly label: string;
  readonly plans: Plans;
  /** The preset that is chosen at first. */
  readonly initial: string;
  /** Undefined while a plan of one's own is not sound. */
  readonly onChoice: (choice: PlanChoice | undefined) => void;
}

/** What the server was started with, where no preset is the same. */
export function choicesOf({ default: served, presets }: Plans): (PlanChoice & { summary: string })[] {
  const named = presets.map(({ name, summary, plan, context_length }) => ({
    ...{ label: name, summary, plan, contextLength: context_length },
  }));
  const isPreset = presets.some(({ plan }) => JSON.stringify(plan) === JSON.stringify(served.plan));
  if (isPreset) return named;
  const own = { plan: served.plan, contextLength: served.context_length };
  return [{ label: "as served", summary: "the plan that the server was started with", ...own }, ...named];
}

export function PlanPicker({ label, plans, initial, onChoice }: PlanChoiceProps) {
  const id = useId();
  const choices = choicesOf(plans);
  const [name, setName] = useState(initial);
  const [text, setText] = useState(SUGGESTION);
  const [said, setSaid] = useState("");
  const chosen = choices.find((choice) => choice.label === name);

  useEffect(() => {
    if (chosen) {
      setSaid(`${chosen.summary}; ${count(chosen.contextLength)} tokens of context`);
      onChoice(chosen);
      return;
    }
    onChoice(undefined);
    let isLate = false;
    const pause = setTimeout(async () => {
      const { choice, words } = await ownPlan(text);
      if (isLate) return;
      setSaid(words);
      onChoice(choice);
    }, PAUSE_MS);
    return () => {
      isLate = true;
      clearTimeout(pause);
    };
  }, [name, text]);

  return (
    <div class="plan">
      <label for={id}>{label}</label>
      <select id={id} value={name} onChange={(event) => setName(event.currentTarget.value)}>
        {choices.map((choice) => (
          <option key={choice.label} value={choice.label}>
            {choice.label}
          </option>
        ))}
        <option value={OWN}>JSON …</option>
      </select>
      {name === OWN && (
        <textarea
          class="json"
          rows={3}
          spellcheck={false}
          aria-label={`${label} as JSON`}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      )}
      <small role="status">{said}</small>
    </div>
  );
}

async function ownPlan(text: string): Promise<{ choice?: PlanChoice; words: string }> {
  try {
    const { plan, context_length, notes, problems } = await checkPlan(JSON.parse(text));
    const contextLength = context_length;
    if (problems.length > 0)
      return { words: problems.map(({ where, reason, remedy }) => `${where}: ${reason}. ${remedy}.`).join(" ") };
    const words = [`${count(contextLength)} tokens of context`, ...notes].join(". ");
    return { choice: { label: labelOf(JSON.parse(text)), plan, contextLength }, words };
  } catch (error) {
    return {
      words: error instanceof SyntaxError ? `This is not JSON yet: ${error.message}.` : (error as Error).message,
    };
  }
}

/** What a plan says beyond the defaults, in few words: "key-diff, streaming, 1024". */
function labelOf(plan: unknown): string {
  const words: string[] = [];
  const visit = (value: unknown): void => {
    if (typeof value === "object" && value !== null) for (const inner of Object.values(value)) visit(inner);
    else words.push(String(value));
  };
  visit(plan);
  return words.join(", ") || "defaults";
}
