#!/usr/bin/python3
"""Shows each check of chaos failing on a bad sample and passing on a good one."""

import os
import tempfile
import types
import unittest

import content
import h1_wire as h1
import h2_frames as h2
from access_log import LogReader, judge_lines
from h2_peer import Peer
from ledger import Record
from phase import Phase
from plan import Plan
from verdict import judge
from wire import Gone, Wire

CALM = Phase(1, 0, 1)
FAULTY = Phase(1, 0, 1, process_faults=True)


def record(plan=None, **answer):
    """One whole and right answer to a GET of 10 bytes, but for what is said otherwise."""
    daemon = types.SimpleNamespace(number=1, draining=False)
    made = Record("t1", "h1", plan or Plan(length=10), "h1", daemon)
    made.sent = "all"
    made.begun_at_origin = ["h1 7 GET"]
    of = made.answer
    of.status, of.ending = 200, "whole"
    of.fields = [("x-token", "t1"), ("x-seen", content.seen(b""))]
    of.body = bytearray(content.response_body("t1", 10))
    for name, value in answer.items():
        setattr(of, name, value)
    return made


def own(reason, status):
    fields = [("proxy-status", f"penstock; error={reason}")]
    return {"status": status, "fields": fields, "body": bytearray(b"{}")}


class Verdict(unittest.TestCase):
    def expect(self, text, of, phase=CALM):
        found = judge(of, phase)
        self.assertTrue(any(text in problem for problem in found), found)

    def test_takes_the_right_answer(self):
        self.assertEqual(judge(record(), CALM), [])

    def test_sees_a_byte_of_another(self):
        body = bytearray(content.response_body("t1", 9) + b"!")
        self.expect("differs from byte 9", record(body=body))

    def test_sees_the_head_of_another(self):
        fields = [("x-token", "t2"), ("x-seen", content.seen(b""))]
        self.expect("head of another", record(fields=fields))

    def test_sees_what_only_looks_whole(self):
        body = bytearray(content.response_body("t1", 9))
        self.expect("looks whole with 9 of 10", record(body=body), FAULTY)

    def test_sees_missing_trailers(self):
        plan = Plan(length=10, framing="chunked", trailers=True)
        self.expect("trailers are missing", record(plan))

    def test_sees_another_upload(self):
        self.expect("read another body", record(Plan(method="POST", length=10, upload=3)))

    def test_sees_silence(self):
        self.expect("no answer at all", record(ending="none", status=0), FAULTY)

    def test_sees_breaks_without_a_cause(self):
        broken = record(ending="broken", body=bytearray())
        self.expect("broke off", broken)
        self.assertEqual(judge(broken, FAULTY), [])

    def test_sees_refusals_without_a_cause(self):
        refused = record(**own("connection_refused", 502))
        refused.begun_at_origin = []
        self.expect("refused with connection_refused", refused)
        self.assertEqual(judge(refused, FAULTY), [])

    def test_sees_unknown_reasons_and_wrong_statuses(self):
        self.expect("unknown reason", record(**own("mood", 502)), FAULTY)
        self.expect("status 500 with reason", record(**own("connection_terminated", 500)), FAULTY)

    def test_sees_double_execution(self):
        twice = record(Plan(method="POST", length=10))
        twice.begun_at_origin *= 2
        self.expect("executed 2 times", twice, FAULTY)

    def test_sees_what_was_executed_and_denied(self):
        self.expect("executed, and denied", record(ending="denied", status=0), FAULTY)
        refused = record(Plan(method="POST"), **own("stream_refused", 503))
        self.expect("executed, and denied", refused, FAULTY)

    def test_sees_a_log_that_disagrees(self):
        of = record()
        self.assertEqual(judge_lines(of), ["answered, and not in the log"])
        of.lines = [{"http.response.status_code": 499, "penstock.reason": "client_gone",
                     "penstock.complete": False}]
        self.assertEqual(len(judge_lines(of)), 2)
        of.lines *= 2
        self.assertEqual(judge_lines(of), ["2 log lines for one request"])


class Log(unittest.TestCase):
    def test_sees_lines_that_are_none(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "access.log")
            with open(path, "w", encoding="utf-8") as file:
                file.write("{\n{}\nhalf")
            daemon = types.SimpleNamespace(log_files=lambda: [path], lines=0)
            found = LogReader(daemon).take({})
            self.assertEqual([text[:15] for text in found], ["a log line is n", "a log line with"])


def wire_of(data, ended=None):
    made = Wire()
    made.transport = types.SimpleNamespace(write=lambda data: None, is_closing=lambda: False,
                                           close=lambda: None)
    made.buffer += data
    made.ended = ended
    return made


async def nothing(_data):
    pass


class Reading(unittest.IsolatedAsyncioTestCase):
    async def test_takes_only_chunks(self):
        right = wire_of(b"3\r\nabc\r\n0\r\nx-end: t1\r\n\r\n")
        self.assertEqual(await h1.read_chunked(right, nothing), [("x-end", "t1")])
        for wrong in (b"3 \r\nabc\r\n", b"zz\r\n", b"3\r\nabcd\r\n"):
            with self.assertRaises(h1.Malformed):
                await h1.read_chunked(wire_of(wrong), nothing)

    async def test_sees_a_body_that_is_short(self):
        for short in (b"3\r\nab", b"3\r\nabc\r\n", b"3\r\nabc\r\n0\r\n"):
            with self.assertRaises(Gone):
                await h1.read_chunked(wire_of(short, "end of stream"), nothing)
        with self.assertRaises(Gone):
            await h1.read_length(wire_of(b"ab", "end of stream"), 3, nothing)

    async def breach_of(self, *frames):
        """What a client that has opened stream 1 says of these frames."""
        peer = Peer(wire_of(h2.settings([]) + b"".join(frames), "end of stream"), client=True)
        peer.open([(":method", "GET")], end=True)
        await peer.serve()
        return peer.breach

    async def test_knows_the_rules_of_http2(self):
        head = h2.frame(h2.HEADERS, h2.END_HEADERS, 1, b"\x88")
        end = h2.frame(h2.DATA, h2.END_STREAM, 1, b"x")
        self.assertIsNone(await self.breach_of(head, end))
        for frames in ([end], [head, head], [head, h2.frame(h2.DATA, 0, 3, b"x")],
                       [head, *[h2.frame(h2.DATA, 0, 1, bytes(16384))] * 4],
                       [h2.frame(h2.PUSH_PROMISE, 4, 1, bytes(4))],
                       [h2.goaway(1, 0), h2.goaway(3, 0)]):
            self.assertIsNotNone(await self.breach_of(*frames), frames[-1][:9])


if __name__ == "__main__":
    unittest.main()
