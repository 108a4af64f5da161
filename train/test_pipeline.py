"""Steps run in order and once, and a run that failed or was killed continues."""
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import pipeline
from pipeline import Step

APPEND = "import sys; open(sys.argv[1], 'a').write(sys.argv[2])"
# Says that it is there, then waits for a file; the driver below kills it or lets it go.
WAIT = "import os, sys, time; open(sys.argv[1] + '.started', 'w').close()\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.02)"
DRIVER = """
import sys
sys.path.insert(0, sys.argv[1])
import pipeline
wait = [sys.executable, "-c", sys.argv[4], sys.argv[3]]
sys.exit(pipeline.run([pipeline.Step("wait", "waits", wait)], sys.argv[2]))
"""


def wait_for(path):
    while not os.path.exists(path):
        time.sleep(0.02)


class PipelineTest(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = os.path.join(self.temporary.name, "work")
        self.trace = os.path.join(self.temporary.name, "trace")

    def tearDown(self):
        self.temporary.cleanup()

    def step(self, name, *after, text=None):
        return Step(name, name, [sys.executable, "-c", APPEND, self.trace, text or name], after)

    def traced(self):
        with open(self.trace) as file:
            return file.read()

    def test_each_step_once_after_what_it_needs(self):
        steps = [self.step("a"), self.step("b", "a"), self.step("c", "b")]
        self.assertEqual(pipeline.run(steps, self.folder, jobs=3), 0)
        self.assertEqual(pipeline.run(steps, self.folder, jobs=3), 0)
        self.assertEqual(self.traced(), "abc")

    def test_a_failure_ends_the_run_and_the_next_continues(self):
        broken = Step("b", "b", [sys.executable, "-c", "print('what went wrong'); raise SystemExit(3)"], ("a",))
        steps = [self.step("a"), broken, self.step("c", "b")]
        self.assertEqual(pipeline.run(steps, self.folder), 1)
        self.assertEqual(self.traced(), "a")
        self.assertEqual(pipeline.run([self.step("a"), self.step("b", "a"), self.step("c", "b")], self.folder), 0)
        self.assertEqual(self.traced(), "abc")

    def test_another_command_is_run_again_with_what_follows_it(self):
        def steps(text):
            return [self.step("a"), self.step("b", text=text), self.step("c", "b")]
        self.assertEqual(pipeline.run(steps("b"), self.folder), 0)
        self.assertEqual(pipeline.run(steps("B"), self.folder), 0)
        self.assertEqual(self.traced(), "abcBc")

    def test_steps_run_side_by_side(self):
        meet = ("import os, sys, time; open(sys.argv[1], 'w').close()\nwhile not os.path.exists(sys.argv[2]): time.sleep(0.02)")
        one, other = (os.path.join(self.temporary.name, n) for n in "ab")
        steps = [Step("a", "a", [sys.executable, "-c", meet, one, other]), Step("b", "b", [sys.executable, "-c", meet, other, one])]
        self.assertEqual(pipeline.run(steps, self.folder, jobs=2), 0)

    def test_the_number_of_threads_is_no_part_of_a_step(self):
        tell = "import os, sys; open(sys.argv[1], 'a').write(sys.argv[2] + os.environ['OMP_NUM_THREADS'])"
        steps = [Step("a", "a", [sys.executable, "-c", tell, self.trace, pipeline.THREADS])]
        for threads in (3, 4):
            self.assertEqual(pipeline.run(steps, self.folder, threads=threads), 0)
        self.assertEqual(self.traced(), "33")

    def driver(self, go):
        return subprocess.Popen([sys.executable, "-c", DRIVER, os.path.dirname(pipeline.__file__), self.folder, go, WAIT],
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def test_a_run_that_is_asked_to_end_ends_its_steps(self):
        go = os.path.join(self.temporary.name, "go")
        process = self.driver(go)
        wait_for(go + ".started")
        process.send_signal(signal.SIGTERM)
        process.communicate()
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "wait.done")))
        open(go, "w").close()
        again = self.driver(go)  # gets the lock at once: the step is gone
        again.communicate()
        self.assertEqual(again.returncode, 0)
        self.assertTrue(os.path.exists(os.path.join(self.folder, "wait.done")))

    def test_what_a_killed_run_left_behind_is_not_started_twice(self):
        go = os.path.join(self.temporary.name, "go")
        process = self.driver(go)
        wait_for(go + ".started")
        process.kill()
        process.communicate()
        again = self.driver(go)
        errors = again.communicate()[1]
        self.assertNotEqual(again.returncode, 0)
        self.assertIn("wait, process", errors)
        open(go, "w").close()  # what was left behind ends by itself
        while "in use" in errors:
            again = self.driver(go)
            errors = again.communicate()[1]
        self.assertEqual(again.returncode, 0)


if __name__ == "__main__":
    unittest.main()
