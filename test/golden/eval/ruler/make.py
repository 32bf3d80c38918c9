"""Runs RULER's own scripts and keeps which prompts they made; see README.md.

    python make.py RULER/scripts/data TEXT OUT.json
"""
import hashlib
import importlib.util
import json
import re
import sys
import types

scripts, text_path, out_path = sys.argv[1:]
SEED = 42


class Tokenizer:
    """One token a word."""

    def text_to_tokens(self, text):
        return text.split()


def stub(name, **members):
    module = types.ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module


stub("tokenizer", select_tokenizer=lambda *_: Tokenizer())
stub("manifest_utils", write_manifest=lambda *_: None)
sys.path[:0] = [scripts + "/synthetic"]
from constants import TASKS  # noqa: E402


def load(name, options):
    """Imports a script as if it had been started with these options."""
    task = TASKS[name]
    sys.argv = [name, "--save_dir=.", "--save_name=x", "--tokenizer_path=x", "--num_samples=3", f"--random_seed={SEED}"]
    sys.argv += [f"--tokens_to_generate={task['tokens_to_generate']}", f"--template={task['template'] + task['answer_prefix']}"]
    sys.argv += [f"--{key}={value}" for key, value in options.items()]
    file = {"niah": "niah"}.get(name, name)
    spec = importlib.util.spec_from_file_location(file, f"{scripts}/synthetic/{file}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


texts = []  # what the calls of a task built


def record(module, calls, note):
    """Notes the size of everything that the script builds, in order: draws depend on it."""
    original = module.generate_input_output
    texts.clear()

    def recorded(*args, **kwargs):
        result = original(*args, **kwargs)
        calls.append(note(args, kwargs, result))
        texts.append(result[0])
        return result

    module.generate_input_output = recorded


def brief(sample):
    prompt = sample["input"] + sample["answer_prefix"]
    return {
        # Not always one of the last calls: a sample that is too long is built again.
        "call": next(i for i, text in enumerate(texts) if prompt.endswith(text)),
        "sha256": hashlib.sha256(prompt.encode()).hexdigest(),
        "head": prompt[:60],
        "tail": prompt[-160:],
        "answerPrefix": sample["answer_prefix"],
        "outputs": sample["outputs"],
        "tokens": sample["length"],
    }


def reseed(module):
    module.random.seed(SEED)
    if hasattr(module, "np"):
        module.np.random.seed(SEED)


# Whole sentences only, so that the text may wrap around between two of them.
text = re.sub(r"\s+", " ", open(text_path).read().strip())
words = text[: max(text.rindex(mark) for mark in ".!?") + 1].split(" ")
found = {"seed": SEED, "python": sys.version.split()[0], "tasks": {}}

niah = load("niah", {"max_seq_length": 4096, "type_haystack": "noise"})
niah.sent_tokenize = lambda text: re.split(r"(?<=[.!?]) ", text)
niah_calls = []
record(niah, niah_calls, lambda args, kwargs, result: args[0])
variants = {
    "niah_single_1": ("noise", "words", "numbers", 1, 1, 1),
    "niah_single_2": ("essay", "words", "numbers", 1, 1, 1),
    "niah_single_3": ("essay", "words", "uuids", 1, 1, 1),
    "niah_multikey_1": ("essay", "words", "numbers", 4, 1, 1),
    "niah_multikey_2": ("needle", "words", "numbers", 1, 1, 1),
    "niah_multikey_3": ("needle", "uuids", "uuids", 1, 1, 1),
    "niah_multivalue": ("essay", "words", "numbers", 1, 4, 1),
    "niah_multiquery": ("essay", "words", "numbers", 1, 1, 4),
}
haystacks = {"noise": niah.haystack, "essay": words, "needle": niah.needle}
for name, (haystack, key, value, k, v, q) in variants.items():
    a = niah.args
    a.type_haystack, a.type_needle_k, a.type_needle_v = haystack, key, value
    a.num_needle_k, a.num_needle_v, a.num_needle_q = max(k, q), v, q
    niah.haystack = haystacks[haystack]
    niah_calls.clear()
    texts.clear()
    reseed(niah)
    samples = niah.generate_samples(num_samples=3, max_seq_length=4096, save_dir=".")
    found["tasks"][name] = {
        "length": 4096,
        "calls": list(niah_calls),
        "samples": [brief(s) for s in samples],
    }

vt = load("variable_tracking", {"max_seq_length": 4096, "num_chains": 1, "num_hops": 4})
calls = []
record(vt, calls, lambda args, kwargs, result: [args[0], "example" if kwargs["is_icl"] else "passage"])
original = vt.randomize_icl


def dress(example):
    calls[-1][1] = "sample"
    return original(example)


vt.randomize_icl = dress
reseed(vt)
example = vt.sys_vartrack_w_noise_random(num_samples=1, max_seq_length=500, incremental=5, num_chains=1, num_hops=4)[0]
samples = vt.sys_vartrack_w_noise_random(
    num_samples=3, max_seq_length=4096, num_chains=1, num_hops=4, icl_example=example, final_output=True
)
found["tasks"]["vt"] = {
    "length": 4096,
    "calls": calls,
    "samples": [brief(s) for s in samples],
}

for length in (2048, 4096):
    # english_words.json is kept in LFS; no call here has so many words.
    open(scripts + "/synthetic/json/english_words.json", "w").write('{"1": "unused"}')
    cwe = load("common_words_extraction", {"max_seq_length": length, "freq_cw": 30, "freq_ucw": 3, "num_cw": 10})
    calls = []
    record(cwe, calls, lambda args, kwargs, result: args[0])
    samples = cwe.sys_word_pair_random(num_samples=3, max_seq_length=length, save_dir=".")
    found["tasks"][f"cwe {length}"] = {
        "length": length,
        "calls": calls,
        "samples": [brief(s) for s in samples],
    }

fwe = load("freq_words_extraction", {"max_seq_length": 4096, "alpha": 2.0})
fwe.logger.info = lambda *_: None  # one of its lines does not format
calls = []
record(fwe, calls, lambda args, kwargs, result: [result[2], kwargs["vocab_size"]])
samples = fwe.sys_kwext(num_samples=3, max_seq_length=4096)
found["tasks"]["fwe"] = {
    "length": 4096,
    "calls": calls,
    "samples": [brief(s) for s in samples],
}

random_module = niah.random
generator = random_module.Random(SEED)
found["random"] = {
    "random": [generator.random() for _ in range(3)],
    "randint": [generator.randint(10**6, 10**7 - 1) for _ in range(3)],
    "choice": [generator.choice(range(n)) for n in (1, 2, 6171620)],
    "sample": [generator.sample(range(n), k) for n, k in ((5, 5), (40, 4), (40, 8), (30, 12), (1000, 7))],
    "choices": generator.choices("abcdefghij", k=8),
    "shuffle": (lambda items: (generator.shuffle(items), items)[1])(list(range(12))),
    "uuid": [niah.uuid.UUID(int=generator.getrandbits(128), version=4).hex for _ in range(2)],
    "big": random_module.Random(2**40 + 5).random(),
}
niah.np.random.seed(SEED)
found["numpy"] = [int(niah.np.random.randint(10000, 99999)) for _ in range(5)]
found["words"] = {str(i): niah.words[i] for i in (0, 1, 6781, 500_000, 3_000_000, len(niah.words) - 1)}
eyed = niah.words.index("blue-eyed-zoo")
found["words"].update({str(eyed + d): niah.words[eyed + d] for d in (-7000, -1, 0, 1, 2)})
found["wordCount"] = len(niah.words)
found["versions"] = {"numpy": niah.np.__version__, "wonderwords": __import__("importlib.metadata").metadata.version("wonderwords")}
json.dump(found, open(out_path, "w"), indent=1, ensure_ascii=False)
