#!/usr/bin/python3
"""People's answers apply only to what they saw: two holds, two people, a late answer."""

import json
import unittest

import scratchkit
import smallkit
from labkit import stack


class People(smallkit.SmallCase):
    # --- two holds at once ---

    def test_1_a_dead_man_that_acts_during_another_hold_is_answered_apart_from_it(self):
        host = "mailhub1"
        run = self.begin("work-fails", on=host)
        self.await_holds(run, ["step_failed"])
        self.await_restored_while_cut(host, ["stop", "try"])
        scratchkit.go_on(host).touch()
        with self.subTest("both are shown"):
            self.await_holds(run, ["step_failed", "dead_man_restored"])
            shown = " ".join(self.mailhubctl("run", "show", run).stdout.split())
            for hold in self.holds(run):
                self.assertIn(hold["reason"], shown)
                self.assertIn(" ".join(hold["detail"].split()), shown)
        numbers = {hold["reason"]: hold["number"] for hold in self.holds(run)}
        before = ["stop", "try", "restore"]
        self.answer("retry", run, numbers["step_failed"])
        self.assert_quiet({host: before})
        self.await_holds(run, ["dead_man_restored"])
        # Again by hand, so that the site is as the plan assumes.
        scratchkit.by_hand(host, "stop")
        self.answer("resolve", run, numbers["dead_man_restored"])
        self.assertEqual(self.await_finished(run)["result"], "succeeded")
        self.assertEqual(scratchkit.story(host), [*before, "stop", "work", "start"])

    def test_2_answering_the_dead_man_first_leaves_the_other_hold(self):
        host = "mailhub3"
        run = self.begin("work-fails", on=host)
        self.await_holds(run, ["step_failed"])
        self.await_restored_while_cut(host, ["stop", "try"])
        numbers = self.await_holds(run, ["step_failed", "dead_man_restored"])
        self.answer("retry", run, numbers["dead_man_restored"])
        self.assert_not_done(host, "work")
        self.await_holds(run, ["step_failed"])
        self.answer("skip", run, numbers["step_failed"])
        self.assertEqual(self.await_finished(run)["result"], "succeeded")
        # The guarded step was repeated before the step that needs it.
        story = ["stop", "try", "restore", "stop", "work", "start"]
        self.assertEqual(scratchkit.story(host), story)

    def test_3_resolving_a_dead_mans_hold_does_not_resolve_the_gate_that_waits(self):
        host = "mailhub2"
        run = self.begin("gate-waits", on=host)
        self.await_phase(run, "2", "gate")
        self.await_restored_while_cut(host, ["stop"])
        numbers = self.await_holds(run, ["dead_man_restored"])
        scratchkit.by_hand(host, "stop")
        before = ["stop", "restore", "stop"]
        self.answer("resolve", run, numbers["dead_man_restored"], "I stopped it again by hand")
        self.assert_quiet({host: before})
        self.assertIsNone(self.result_of(run, "2"), "nobody has answered for the gate")
        scratchkit.go_on(host).touch()
        self.assertEqual(self.await_finished(run)["result"], "succeeded")
        self.assertEqual(scratchkit.story(host), [*before, "work", "start"])

    # --- two people at once ---

    def at_once(self, *words):
        """Two people type the same at the same moment; returns (status, standard error) of both."""
        people = [self.typing(*words, by=name) for name in ("alice", "bob")]
        said = [person.communicate(timeout=60)[1] for person in people]
        return [(person.returncode, text) for person, text in zip(people, said)]

    def assert_late(self, done, asked_now):
        """A late answer counts as a repeat of the first, or is refused with the present
        question."""
        if done.returncode != 0:
            self.assertEqual(done.returncode, 1, done)
            self.assertIn(asked_now, done.stderr)

    def test_4_two_people_who_confirm_at_once_answer_one_question(self):
        host = "mailhub1"
        run = self.begin("two-questions", on=host)
        self.await_phase(run, "1", "confirm")
        answers = self.at_once("run", "confirm", run, "--step", "1")
        self.assertIn(0, [status for status, _ in answers], answers)
        self.assert_quiet({host: []})
        self.assertIsNone(self.result_of(run, "2"), "the second question is unanswered")
        self.await_phase(run, "2", "confirm")
        with self.subTest("the same answer once more"):
            again = self.mailhubctl("run", "confirm", run, "--step", "1")
            self.assert_late(again, "Really delete all of it?")
            self.assert_quiet({host: []}, 2)
        self.confirm(run, "2")
        self.assertEqual(self.await_finished(run)["result"], "succeeded")
        self.assertEqual(scratchkit.story(host), ["work"])

    def test_5_two_people_who_skip_at_once_skip_one_step(self):
        host = "mailhub2"
        run = self.begin("two-failures", on=host)
        numbers = self.await_holds(run, ["step_failed"])
        hold = numbers["step_failed"]
        words = ("run", "skip", run, "--hold", hold, "--reason", "it is not needed")
        answers = self.at_once(*words)
        self.assertIn(0, [status for status, _ in answers], answers)
        self.await_story(host, ["first", "second"])
        self.await_holds(run, ["step_failed"])
        # A third person, with a slow terminal.
        late = self.mailhubctl(*words, by="carol")
        self.assert_quiet({host: ["first", "second"]})
        self.assertIsNone(self.result_of(run, "2"), "nobody has skipped the second step")
        self.assert_late(late, "Second")

    def test_6_an_answer_without_its_question_is_refused(self):
        host = "mailhub3"
        run = self.begin("two-questions", on=host)
        self.await_phase(run, "1", "confirm")
        refused = self.mailhubctl("run", "confirm", run)
        self.assertEqual(refused.returncode, 1, refused)
        self.assertIn("Is it a quiet week?", refused.stdout + refused.stderr)
        failed = self.begin("two-failures", on=host)
        hold = self.await_holds(failed, ["step_failed"])["step_failed"]
        for verb in ("retry", "skip", "resolve", "resume"):
            with self.subTest(verb):
                refused = self.mailhubctl("run", verb, failed, "--reason", "I did not look")
                self.assertEqual(refused.returncode, 1, refused)
                self.assertIn("First", refused.stdout + refused.stderr)
                words = ("run", verb, failed, "--hold", hold + 1, "--reason", "a guess")
                guess = self.mailhubctl(*words)
                self.assertEqual(guess.returncode, 1, guess)
        self.assertEqual(scratchkit.story(host), ["first"])
        self.assertIsNone(self.result_of(run, "1"))

    def test_7_the_api_takes_the_answer_to_the_present_question_and_refuses_others(self):
        host = "mailhub1"
        run = self.begin("two-questions", on=host)
        self.await_phase(run, "1", "confirm")
        asked = stack.api(f"runs/{run}")["asks"]
        self.assertEqual((asked["path"], asked["attempt"]), ("1", 1))
        self.assertEqual(asked["question"], "Is it a quiet week?")
        for body in ({}, {"step": "1"}, {"attempt": 1}, {"hold": 1}):
            with self.subTest(body):
                status, text = self.post_verb(run, "confirm", body)
                self.assertEqual(status, 400, text)
        for body in ({"step": "2", "attempt": 1}, {"step": "1", "attempt": 2}):
            with self.subTest(body):
                status, text = self.post_verb(run, "confirm", body)
                self.assertEqual(status, 409, text)
                self.assertIn("Is it a quiet week?", text)
        self.assertIsNone(self.result_of(run, "1"))
        status, text = self.post_verb(run, "confirm", {"step": "1", "attempt": 1})
        self.assertEqual(status, 200, text)
        self.assertEqual(json.loads(text)["data"]["run"], run)
        self.await_phase(run, "2", "confirm")
        self.post_verb(run, "confirm", {"step": "1", "attempt": 1})
        self.assert_quiet({host: []}, 2)
        self.assertIsNone(self.result_of(run, "2"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
