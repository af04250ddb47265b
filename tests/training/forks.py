"""Run a function of a training in processes of its own, which share one import of TensorFlow."""

import json
import socket
import subprocess
import sys
import textwrap

SERVER = """
    import json, os, signal, sys, traceback

    def serve(run):
        answers, sys.stdout = sys.stdout, sys.stderr
        for line in sys.stdin:
            job, children = json.loads(line), []
            for number, environment in enumerate(job.pop("environments")):
                reader, writer = os.pipe()
                if os.fork() == 0:  # TensorFlow has computed nothing yet: only then it survives a fork
                    os.environ.update(environment)
                    try:
                        answer = {"result": run(number, **job)}
                    except BaseException as error:
                        traceback.print_exc()
                        answer = {"raised": type(error).__name__, "text": str(error)}
                    os.write(writer, json.dumps(answer).encode())
                    os._exit(0)
                os.close(writer)
                children.append(reader)
            found = []
            for reader in children:
                with os.fdopen(reader) as pipe:
                    text = pipe.read()
                found.append(json.loads(text) if text else {"raised": "killed"})
                os.wait()
            print(json.dumps(found), file=answers, flush=True)
"""


class Forks:
    """A process that has imported what `code` imports, and forks one that calls its `run` for each job."""

    def __init__(self, code):
        text = textwrap.dedent(SERVER) + textwrap.dedent(code) + "\nserve(run)\n"
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen([sys.executable, "-c", text], **pipes)

    def run(self, workers=1, **job):
        """Return what each worker answers: {"result": ...}, {"raised": ..., "text": ...} or killed."""
        environments = [{}]
        if workers > 1:
            ports = [socket.create_server(("127.0.0.1", 0)) for _ in range(workers)]
            cluster = {"worker": ["{}:{}".format(*port.getsockname()) for port in ports]}
            for port in ports:
                port.close()
            tasks = [{"type": "worker", "index": index} for index in range(workers)]
            environments = [{"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})} for task in tasks]
        try:
            print(json.dumps({**job, "environments": environments}), file=self.process.stdin, flush=True)
            return json.loads(self.process.stdout.readline())
        except (BrokenPipeError, ValueError):
            raise RuntimeError(self.process.communicate()[1]) from None

    def close(self):
        """End the process."""
        self.process.communicate()
