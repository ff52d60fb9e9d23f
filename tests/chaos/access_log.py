"""Reads the access logs of a daemon as they grow, over rotations, and finds the record of each
line."""

import collections
import json
import os

from reasons import STATUS_OF

KEYS = {"schema_version", "timestamp", "http.response.status_code", "penstock.reason", "url.path",
        "penstock.complete", "duration_us", "phases_us", "penstock.attempts"}


class LogReader:
    def __init__(self, daemon):
        self.daemon = daemon
        self.places = {}                # inode to how far it was read
        self.counts = collections.Counter()     # lines by the labels of penstock_requests_total
        self.attempts = 0

    def new_lines(self):
        lines = []
        for name in self.daemon.log_files():
            with open(name, "rb") as file:
                inode = os.fstat(file.fileno()).st_ino
                file.seek(self.places.get(inode, 0))
                data = file.read()
            data = data[:data.rfind(b"\n") + 1]
            self.places[inode] = self.places.get(inode, 0) + len(data)
            lines += data.decode("utf-8").splitlines()
        return lines

    def take(self, records):
        """Gives its line to each record; what is wrong with lines themselves."""
        wrong = []
        for text in self.new_lines():
            self.daemon.lines += 1
            try:
                line = json.loads(text)
            except ValueError:
                wrong.append(f"a log line is no JSON: {text[:300]}")
                continue
            if missing := KEYS - line.keys():
                wrong.append(f"a log line without {missing}: {text[:300]}")
                continue
            if line["penstock.reason"] not in STATUS_OF and line["penstock.reason"] != "none":
                wrong.append(f"a reason outside the list: {text}")
            self.counts[labels_of(line)] += 1
            self.attempts += line["penstock.attempts"]
            token = line["url.path"].rpartition("/")[2]
            if token in records:
                records[token].lines.append(line)
        return wrong


def labels_of(line):
    """The labels of penstock_requests_total under which this line was counted."""
    status, version = line["http.response.status_code"], line["network.protocol.version"]
    values = {"listener": line["penstock.listener"], "route": line["penstock.route"],
              "upstream": line["penstock.upstream"],
              "protocol": "h2" if version == "2" else f"http/{version}",
              "code_class": f"{status // 100}xx" if status else "none",
              "reason": line["penstock.reason"]}
    return ",".join(f'{name}="{value}"' for name, value in values.items())


def judge_lines(record):
    """The log agrees with what the client got."""
    answer, lines = record.answer, record.lines
    if len(lines) > 1:
        return [f"{len(lines)} log lines for one request"]
    if answer.ending not in ("whole", "broken") or not answer.status:
        return []
    if not lines:
        return ["answered, and not in the log"]
    status, why = lines[0]["http.response.status_code"], lines[0]["penstock.reason"]
    found = []
    if status != answer.status and not (answer.ending == "broken" and status == 499):
        found.append(f"the log says status {status}")
    if answer.ending == "whole" and answer.own_reason and answer.own_reason != why:
        found.append(f"the log says reason {why}")
    origins = answer.ending == "whole" and not answer.own_reason and record.plan.kind == "plain"
    if origins and not lines[0]["penstock.complete"]:
        found.append("whole, and the log says that it was not complete")
    return found
