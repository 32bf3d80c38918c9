"""llama.cpp's OpenAI-compatible HTTP server on loopback, for comparison with our own engine (longspan eval --endpoint).

xllamacpp (MIT) brings llama.cpp's server in a wheel, so nothing is compiled. One slot and two threads: answers are
then those of a single sequence, as in our engine. Runs until it is interrupted.
"""

import argparse
import signal
import threading

from xllamacpp import CommonParams, Server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="GGUF file")
    parser.add_argument("--context", type=int, default=0, help="tokens; default: the model's own context length")
    parser.add_argument("--port", type=int, default=0, help="default: any free port")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()

    parameters = CommonParams()
    parameters.model.path = arguments.model
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = arguments.port
    parameters.n_ctx = arguments.context
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = arguments.threads
    parameters.cpuparams_batch.n_threads = arguments.threads
    # Otherwise the server may choose a shorter context than asked for where memory is scarce.
    parameters.fit_params = False
    parameters.ui = False
    parameters.verbosity = 1

    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    server = Server(parameters)
    print(server.listening_address, flush=True)
    stopped.wait()


if __name__ == "__main__":
    main()
