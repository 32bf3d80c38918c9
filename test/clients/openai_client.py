"""The contract with OpenAI's Python package: openai_client.py BASE_URL MODEL. Prints "ok", or fails."""

import sys

import openai

base_url, model = sys.argv[1:]
client = openai.OpenAI(base_url=base_url, api_key="none", max_retries=0)
asked = {"model": model, "temperature": 0, "max_tokens": 6}
messages = [{"role": "user", "content": "the sand and the wind, on and on; " * 8 + "Who?"}]

assert model in [listed.id for listed in client.models.list()]

whole = client.chat.completions.create(messages=messages, **asked)
stream = client.chat.completions.create(messages=messages, stream=True, stream_options={"include_usage": True}, **asked)
chunks = list(stream)
text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
assert text == whole.choices[0].message.content, (text, whole)
assert chunks[-1].usage.prompt_tokens_details.cached_tokens == whole.usage.prompt_tokens, chunks[-1]

assert isinstance(client.completions.create(prompt="the sand", **asked).choices[0].text, str)

# It asks for base64 unless it is told otherwise.
packed = client.embeddings.create(model=model, input=["the sand", "a shore"])
plain = client.embeddings.create(model=model, input=["the sand", "a shore"], encoding_format="float")
for a, b in zip(packed.data, plain.data, strict=True):
    assert max(abs(x - y) for x, y in zip(a.embedding, b.embedding, strict=True)) < 1e-6

try:
    client.chat.completions.create(messages=messages, model=model, max_tokens=10_000_000)
    raise AssertionError("expected an error")
except openai.BadRequestError as error:
    assert error.code == "context_length_exceeded", error
try:
    client.models.retrieve("other")
    raise AssertionError("expected an error")
except openai.NotFoundError:
    pass

print("ok")
