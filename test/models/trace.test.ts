/** Where answers come from: twenty facts in speeches and in Moby-Dick, five a text, each asked about by itself. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { placeOfDocument, renderPrompt, stopsOf } from "../../src/cli/prompt.ts";
import { attendedPassages } from "../../src/engine/attended-passages.ts";
import { builtInHaystack } from "../../src/eval/haystack.ts";
import { load } from "../../src/index.ts";
import { runCli } from "../support/cli.ts";
import { modelPath } from "../support/models.ts";
import { temporaryFolder, textOf } from "../support/sessions.ts";

const engine = await load(await modelPath("qwen2.5-coder-0.5b"));
after(() => engine.dispose());
const { tokenizer } = engine;

/** Fact, question, and what a right answer has in it; one text each. */
const texts = [
  `The gate code of the boathouse is 7719. | What is the gate code of the boathouse? | 7719
   Marguerite Osei, who repairs violins, was born on the island of Fogo. | Where was Marguerite Osei born? | Fogo
   If the kiln trips its fuse, wait twenty minutes and turn the red dial to zero. | What must be done if the kiln trips its fuse? | twenty|red dial
   The Alder Street bakery sells 340 loaves on an ordinary Friday. | How many loaves does the Alder Street bakery sell on a Friday? | 340
   A quokka named Pomona escaped from the Wexcombe zoo in March. | Which animal escaped from the Wexcombe zoo? | quokka|Pomona`,
  `The last owner of the silver astrolabe was a dentist, Mr. Tobias Quill. | Who was the last owner of the silver astrolabe? | Quill
   The north tunnel smells of vinegar since the pickling company rented it. | Why does the north tunnel smell of vinegar? | pickl
   Flight ZK-208 was diverted to Reykjavik because of volcanic ash. | To which city was flight ZK-208 diverted? | Reykjav
   “Paint the hinges first,” was old Perpetua Lund's advice about doors. | What was Perpetua Lund's advice about doors? | hinges
   The treasurer's safe is hidden behind the portrait of the sleeping greyhound. | Where is the treasurer's safe hidden? | greyhound|portrait`,
  `In the settings file of the Petrel probe, sample_interval is 45 seconds. | What is the sample_interval of the Petrel probe? | 45
   The choir of Saint Odile rehearses on Tuesdays, never on Sundays. | On which day does the choir of Saint Odile rehearse? | Tuesday
   Hazel Ibarra won the onion contest with a bulb of nine pounds. | How heavy was the onion of Hazel Ibarra? | nine|9
   The winter ferry to Skarn costs 18 crowns, dogs travel free. | How much does the winter ferry to Skarn cost? | 18
   The expedition left its second sledge under a cairn at Point Merriweather. | Where did the expedition leave its second sledge? | Merriweather|cairn`,
  `The town hall clock of Dunmorrow was built by Elspeth Raine in 1788. | Who built the town hall clock of Dunmorrow? | Raine
   For the blue glaze, mix cobalt with ash from apple wood. | What is mixed with ash for the blue glaze? | cobalt
   The chess club moved its meetings from the library to the old tannery. | Where does the chess club meet now? | tannery
   The secret name of the submarine project was Velvet Otter. | What was the secret name of the submarine project? | Otter
   Juror number four was excused, for she is allergic to wool. | Why was juror number four excused? | wool|allerg`,
].map((text) =>
  text.split("\n").map((line) => {
    const [sentence, question, answer] = line.split(" | ").map((part) => part.trim());
    return { sentence, question, answer: new RegExp(answer, "i") };
  }),
);

/** About 1,000 words of a haystack, six sentences a line, with the sentences of facts at even distances. */
function hide(sentences: readonly string[], index: number): string {
  const haystack = builtInHaystack(index % 2 === 0 ? "speeches" : "moby-dick").sentences;
  const pieces: string[] = [];
  let words = 0;
  for (let i = 100 + 400 * index; words < 1000; i++) {
    pieces.push(haystack[i]);
    words += haystack[i].split(" ").length;
  }
  const every = Math.floor(pieces.length / sentences.length);
  const whole = pieces.flatMap((piece, i) => {
    const fact = i % every === every >> 1 ? sentences[Math.floor(i / every)] : undefined;
    return fact ? [piece, fact] : [piece];
  });
  return whole.reduce((text, piece, i) => text + (i % 6 === 0 ? "\n" : " ") + piece, "").trim();
}

test("qwen2.5-coder-0.5b: for at least 17 of 20 facts in texts of 1,400 to 1,500 tokens, half of the fact or more is in the top three passages; where the answer is right, in the first nine times out of ten", async () => {
  const ranks: number[] = [];
  let firstOfRight = 0;
  const misses: string[] = [];
  let right = 0;
  for (const [index, facts] of texts.entries()) {
    const document = hide(
      facts.map(({ sentence }) => sentence),
      index,
    );
    const prompts = facts.map(({ question }) => renderPrompt(tokenizer, document, [{ question }]));
    const shared = prompts[0].findIndex((id, i) => prompts.some((prompt) => prompt[i] !== id));
    const reading = await engine.session({ trace: true });
    await reading.prefill(prompts[0].subarray(0, shared));
    for (const [i, { sentence, question, answer }] of facts.entries()) {
      const session = await reading.fork();
      await session.prefill(prompts[i].subarray(shared));
      const text = await textOf(session, { maxTokens: 24, stop: stopsOf(tokenizer) });
      const place = placeOfDocument(tokenizer, prompts[i], document, question);
      const begin = document.indexOf(sentence);
      const rank = attendedPassages(await session.trace(), place).findIndex((passage) => {
        const from = Math.max(begin, place.characterAt(passage.begin));
        const to = Math.min(begin + sentence.length, place.characterAt(passage.end));
        return to - from >= sentence.length / 2;
      });
      ranks.push(rank);
      if (answer.test(text)) {
        right++;
        if (rank === 0) firstOfRight++;
      }
      if (rank !== 0) misses.push(`${question} ${text.trim()} (${rank < 0 ? "not found" : `passage ${rank + 1}`})`);
      await session.dispose();
    }
    await reading.dispose();
  }
  const found = ranks.filter((rank) => rank >= 0).length;
  const first = ranks.filter((rank) => rank === 0).length;
  const result = `top three ${found}, first ${first} of ${ranks.length}; ${right} answers are right; ${misses.join("; ")}`;
  assert.ok(ranks.length === 20 && found >= 17 && firstOfRight >= 0.9 * right, result);
});

test("ask --trace prints file, lines, share and excerpt below the answer; with --json they are in the object", async () => {
  const folder = temporaryFolder();
  const calm = "The sea was calm that night, and nobody spoke.\n".repeat(12);
  writeFileSync(join(folder, "a.txt"), calm);
  writeFileSync(join(folder, "b.txt"), `${calm}The password of the old lighthouse is marigold.\n${calm}`);
  const args = ["ask", folder, "What is the password of the old lighthouse?", "-m", "smollm2-135m", "-n", "16"];
  const [shown, json] = [await runCli([...args, "--trace", "1"]), await runCli([...args, "--trace", "--json"])];
  assert.deepEqual([shown.code, json.code], [0, 0], shown.stderr + json.stderr);
  const { answer, trace } = JSON.parse(json.stdout);
  assert.match(answer, /marigold/);
  assert.ok(trace.length > 1 && trace.length <= 3);
  const [{ file, firstLine, lastLine, share, excerpt }] = trace;
  assert.equal(file, join(folder, "b.txt"));
  assert.ok(firstLine <= 13 && lastLine >= 13 && lastLine - firstLine < 10 && share > 0.2 && share <= 1);
  assert.equal(
    excerpt,
    `${calm}The password of the old lighthouse is marigold.\n${calm}`
      .split("\n")
      .slice(firstLine - 1, lastLine)
      .join("\n"),
  );
  const block = `${answer}\n\n${file}:${firstLine}-${lastLine}  ${Math.round(share * 100)} %\n    ${excerpt.replaceAll("\n", "\n    ")}\n`;
  assert.equal(shown.stdout.trimStart(), block);
});
