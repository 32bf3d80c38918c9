/** The question, and under which plans it is asked. Enter asks, Shift and Enter makes a line. */
import { useEffect, useState } from "preact/hooks";
import { choicesOf, PlanPicker } from "./plan-choice.tsx";
import type { PlanChoice, Plans } from "./types.ts";

export interface Asked {
  readonly question: string;
  readonly choices: readonly PlanChoice[];
  readonly maxTokens: number;
}

interface ComposerProps {
  readonly plans: Plans;
  readonly isBusy: boolean;
  readonly isFollowUp: boolean;
  /** Why nothing can be asked now. */
  readonly obstacle?: string;
  readonly maxTokens: number;
  readonly onMaxTokens: (tokens: number) => void;
  /** The plan that has the shortest context. */
  readonly onContextLength: (tokens: number | undefined) => void;
  readonly onAsk: (asked: Asked) => void;
  readonly onStop: () => void;
  readonly onRestart: () => void;
}

export function Composer(props: ComposerProps) {
  const { plans, isBusy, isFollowUp, obstacle, maxTokens, onAsk, onContextLength } = props;
  const [question, setQuestion] = useState("");
  const [isComparing, setComparing] = useState(false);
  const [choices, setChoices] = useState<readonly (PlanChoice | undefined)[]>([]);
  const initial = choicesOf(plans);
  const wanted = isComparing ? 2 : 1;
  const chosen = choices.slice(0, wanted).filter((choice) => choice !== undefined);
  const shortest = Math.min(...chosen.map(({ contextLength }) => contextLength));
  useEffect(() => onContextLength(Number.isFinite(shortest) ? shortest : undefined), [shortest]);

  const choose = (index: number, choice: PlanChoice | undefined) =>
    setChoices((all) => [0, 1].map((i) => (i === index ? choice : all[i])));
  const canAsk = question.trim() !== "" && !isBusy && chosen.length === wanted && obstacle === undefined;
  const ask = (event?: Event) => {
    event?.preventDefault();
    if (!canAsk) return;
    onAsk({ question: question.trim(), choices: chosen, maxTokens });
    setQuestion("");
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) ask(event);
    if (event.key === "Escape" && isBusy) props.onStop();
  };

  return (
    <form class="composer" onSubmit={ask}>
      <label for="question" class="hidden">
        Question
      </label>
      <textarea
        id="question"
        rows={2}
        placeholder={isFollowUp ? "Ask a follow-up" : "Ask about the documents"}
        value={question}
        onInput={(event) => setQuestion(event.currentTarget.value)}
        onKeyDown={onKey}
      />
      <div class="row">
        <details class="options">
          <summary>Plan and length</summary>
          <div class="fields">
            <div>
              <PlanPicker
                label="Plan"
                plans={plans}
                initial={initial[0].label}
                onChoice={(choice) => choose(0, choice)}
              />
              <label class="number">
                Longest answer
                <input
                  type="number"
                  min={1}
                  max={4096}
                  value={maxTokens}
                  onChange={(event) =>
                    props.onMaxTokens(Math.max(1, Math.floor(event.currentTarget.valueAsNumber) || 1))
                  }
                />
                tokens
              </label>
            </div>
            <div>
              <label class="check">
                <input
                  type="checkbox"
                  checked={isComparing}
                  onChange={(event) => setComparing(event.currentTarget.checked)}
                />{" "}
                Compare with a second plan
              </label>
              {isComparing && (
                <PlanPicker label="Second plan" plans={plans} initial="own" onChoice={(choice) => choose(1, choice)} />
              )}
            </div>
          </div>
        </details>
        <div class="buttons">
          {isFollowUp && !isBusy && (
            <button type="button" onClick={props.onRestart}>
              New conversation
            </button>
          )}
          {isBusy ? (
            <button type="button" class="primary" onClick={props.onStop}>
              Stop
            </button>
          ) : (
            <button type="submit" class="primary" disabled={!canAsk}>
              {isComparing ? "Compare" : "Ask"}
            </button>
          )}
        </div>
      </div>
      {obstacle && (
        <p class="hint" role="status">
          {obstacle}
        </p>
      )}
    </form>
  );
}
