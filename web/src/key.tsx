/** Asks for the server's API key. */
import { useState } from "preact/hooks";
import { setKey } from "./api.ts";
import { Dialog } from "./dialog.tsx";

export function KeyDialog({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const [text, setText] = useState("");
  const keep = (event: Event) => {
    event.preventDefault();
    setKey(text.trim());
    setText("");
    onClose();
  };
  return (
    <Dialog title="API key" isOpen={isOpen} onClose={onClose}>
      <form class="key" onSubmit={keep}>
        <p>This server asks for the key that it was started with. It is kept until this tab is closed.</p>
        <label>
          Key
          <input
            type="password"
            autocomplete="off"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="primary" disabled={text.trim() === ""}>
          Use it
        </button>
      </form>
    </Dialog>
  );
}
