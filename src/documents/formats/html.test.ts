import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../../runtime/errors.ts";
import { readHtml } from "./html.ts";

test("HTML becomes what a reader sees: no addresses, scripts, pictures or wrapped lines", () => {
  const long = "word ".repeat(60).trim();
  const html = `<!doctype html><head><title>T</title><style>p{color:red}</style></head><body><h1>Whales</h1>
    <p>See&nbsp;<a href="https://example.org">the sea</a>, co&shy;ld.</p><script>alert(1)</script><img src="a.png" alt="x">
    <p>${long}</p><ul><li>one</li><li>two</li></ul>
    <table><tr><th>Name</th><th>Age</th></tr><tr><td>Ann</td><td><p>7</p><p>months</p></td></tr></table><pre>a
  b</pre></body>`;
  assert.equal(
    read(html),
    `Whales\n\nSee the sea, cold.\n\n${long}\n\n- one\n- two\n\nName | Age\nAnn | 7 months\n\na\n  b`,
  );
});

test("a page of more than 16 Mi characters is read to its end", () => {
  assert.match(read(`<p>${"x".repeat(2 ** 24)}</p><p>the end</p>`).slice(-10), /the end$/);
});

test("HTML is decoded by the character set it declares, and without one as UTF-8 or Windows-1252", () => {
  const shiftJis = Buffer.concat([Buffer.from('<meta charset="Shift_JIS"><p>'), Buffer.from([0x8c, 0xa2])]);
  assert.equal(readHtml(shiftJis, "a.html"), "犬");
  assert.equal(read("<meta charset=utf-8><p>é"), "é");
  assert.equal(readHtml(Buffer.from("<meta charset='no-such'><p>\x93caf\xe9\x94", "latin1"), "a.html"), "“café”");
});

test("elements nested too deep to follow are refused with InputError", () => {
  assert.throws(() => read("<div>".repeat(20_000)), InputError);
});

function read(html: string): string {
  return readHtml(Buffer.from(html), "a.html");
}
