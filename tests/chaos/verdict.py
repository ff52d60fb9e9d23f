"""Judges one settled request: what is wrong with it, in words; nothing if all is well."""

import content
from reasons import NOT_SENT, STATUS_OF


def judge(record, phase):
    """The problems of one record."""
    answer = record.answer
    found = []
    if answer.ending == "malformed":
        found.append(f"the answer breaks the grammar: {answer.how}")
    elif answer.ending == "none":
        found += judge_silence(record, phase)
    elif answer.ending == "whole" and answer.own_reason:
        found += judge_own_reply(record, phase)
    elif answer.ending == "whole":
        found += judge_whole(record)
    elif answer.ending == "broken":
        found += judge_broken(record, phase)
    elif answer.ending == "left" and answer.status and not answer.own_reason:
        found += judge_part(record)
    return found + judge_execution(record)


def judge_silence(record, phase):
    if record.daemon.draining and (phase.drain == "cut" or not record.begun_at_origin):
        return []           # cut, or the socket or an idle connection had just been closed
    return [f"no answer at all ({record.answer.how})"]


def judge_own_reply(record, phase):
    answer, why = record.answer, record.answer.own_reason
    found = []
    if why not in STATUS_OF:
        found.append(f"unknown reason {why!r}")
    elif record.plan.kind != "grpc" and STATUS_OF[why] != answer.status:
        found.append(f"status {answer.status} with reason {why}")
    if not phase.forgives(record, why):
        found.append(f"refused with {why}, where nothing went wrong")
    return found


def judge_part(record):
    """What came is the beginning of the right answer."""
    answer, plan = record.answer, record.plan
    found = []
    if answer.value("x-token") not in (None, record.token):
        found.append(f"the head of another request: {answer.value('x-token')}")
    expected = content.request_body(record.token, plan.upload) if plan.kind == "websocket" else \
        content.response_body(record.token, plan.length)
    if bytes(answer.body) != expected[:len(answer.body)]:
        at = content.first_difference(answer.body, expected)
        found.append(f"the body differs from byte {at} of {len(answer.body)}")
    hints = [value for fields in answer.interim for name, value in fields if name == "x-hint"]
    if hints != [f"{record.token}-{i}" for i in range(len(hints))]:
        found.append(f"the interim answers of another request: {hints}")
    return found


def judge_broken(record, phase):
    found = [] if record.answer.own_reason else judge_part(record)
    if not phase.forgives(record):
        found.append(f"broke off ({record.answer.how}), where nothing went wrong")
    return found


def judge_whole(record):
    answer, plan = record.answer, record.plan
    found = judge_part(record)
    if plan.kind == "websocket":
        return found if answer.status in (101, 200) else found + [f"status {answer.status}"]
    if answer.value("x-token") is None:
        return found + ["neither the origin's nor a reply of Penstock's own"]
    if answer.status != plan.status:
        found.append(f"status {answer.status} and not {plan.status}")
    if len(answer.body) != plan.body_length:
        found.append(f"looks whole with {len(answer.body)} of {plan.body_length} bytes")
    if plan.fault in ("bad_status_line", "close_in_head"):
        found.append(f"looks whole behind {plan.fault}")
    if len(answer.interim) != plan.interim and plan.fault != "early_and_close":
        found.append(f"{len(answer.interim)} of {plan.interim} interim answers")
    return found + judge_trailers(record) + judge_upload(record)


def judge_trailers(record):
    answer, plan = record.answer, record.plan
    wanted = plan.trailers and plan.method != "HEAD" and plan.status not in (204, 304)
    end = dict(answer.trailers).get("x-end")
    if wanted and end != record.token:
        return [f"the trailers are missing, or another's: {answer.trailers}"]
    if wanted and plan.kind == "grpc" and dict(answer.trailers).get("grpc-status") != "0":
        return ["no grpc-status"]
    if not wanted and end:
        return ["trailers that the origin did not send"]
    return []


def judge_upload(record):
    answer, plan = record.answer, record.plan
    told = answer.value("x-seen")
    found = []
    if told is None:
        if not plan.early:
            found.append("the origin's report of the upload is missing")
        return found
    if told != content.seen(content.request_body(record.token, plan.upload)):
        found.append(f"the origin read another body: {told}, sent {plan.upload}")
    wanted = record.token if plan.upload_trailers else None
    if answer.value("x-seen-sum") != wanted:
        found.append(f"the origin read other request trailers: {answer.value('x-seen-sum')}")
    return found


def judge_execution(record):
    """Nothing that may not be repeated is executed twice; nothing executed is denied."""
    answer, times = record.answer, len(record.begun_at_origin)
    found = []
    if times > 1 and not record.plan.repeatable:
        found.append(f"executed {times} times")
    denied = answer.ending in ("denied", "unsent") or \
        (answer.ending == "whole" and answer.own_reason in NOT_SENT and not record.plan.repeatable)
    if times and denied:
        found.append(f"executed, and denied ({answer.own_reason or answer.how})")
    return found
