"""The API from Python: messages from server reflection, errors with their details, metadata.

Usage: client.py COMMAND_PORT QUERY_PORT AUDIT_PORT
"""

import sys
import time

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

TIMEOUT_S = 10
DETAILS = {
    "type.googleapis.com/google.rpc." + name: getattr(error_details_pb2, name)
    for name in ("ErrorInfo", "RequestInfo", "BadRequest", "PreconditionFailure", "ResourceInfo")
}


class Service:
    """One service of the system, as reflection describes it."""

    calls = 0

    def __init__(self, port, name):
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(self.channel))
        self.descriptor = pool.FindServiceByName(name)

    def serves(self):
        request = health_pb2.HealthCheckRequest(service=self.descriptor.full_name)
        return health_pb2_grpc.HealthStub(self.channel).Check(request, timeout=TIMEOUT_S).status == 1

    def call(self, name, body):
        """The answer as a dict with proto names; raises grpc.RpcError. Every answer must echo the request id."""
        method = self.descriptor.methods_by_name[name]
        request, response = map(message_factory.GetMessageClass, (method.input_type, method.output_type))
        Service.calls += 1
        request_id = f"python-{Service.calls}"
        stub = self.channel.unary_unary(
            f"/{self.descriptor.full_name}/{name}", request.SerializeToString, response.FromString
        )
        metadata = (("x-actor-id", "python"), ("x-request-id", request_id))
        try:
            answer, call = stub.with_call(json_format.ParseDict(body, request()), TIMEOUT_S, metadata)
        except grpc.RpcError as error:
            # An error without a message is one block of headers, which Python calls trailing.
            echoed(name, error.trailing_metadata(), request_id)
            raise
        echoed(name, call.initial_metadata(), request_id)
        return json_format.MessageToDict(answer, preserving_proto_field_name=True)


def echoed(name, metadata, request_id):
    if dict(metadata).get("x-request-id") != request_id:
        sys.exit(f"FAILED: python: {name} does not echo {request_id}: {metadata}")


def check(what, holds, *found):
    if not holds:
        sys.exit(f"FAILED: python: {what}: {found}")
    print(f"ok: python: {what}")


def refused(what, code, reason, call):
    """Checks a refusal and answers its details by the name of their type."""
    try:
        answer = call()
    except grpc.RpcError as error:
        check(f"{what} is {code.name}", error.code() == code, error)
        status = rpc_status.from_call(error)
        details = {}
        for packed in status.details:
            detail = DETAILS[packed.type_url]()
            packed.Unpack(detail)
            details[type(detail).__name__] = detail
        info = details["ErrorInfo"]
        check(f"{what} is {reason}", (info.domain, info.reason) == ("casetracker", reason), info)
        check(f"{what} names the request", details["RequestInfo"].request_id == f"python-{Service.calls}", details)
        return details
    return check(what, False, answer)


def commands_and_reads(commands, queries):
    """Leads one case through its life; answers its id and how many changes it had."""
    create = {"case": {"title": "From Python", "priority": "PRIORITY_HIGH", "tags": ["water"]}, "idempotency_key": "python"}
    first = commands.call("CreateCase", create)
    case_id = first["case"]["case_id"]
    check("create", first["case"]["status"] == "DRAFT" and not first.get("replayed"), first)
    again = commands.call("CreateCase", create)
    check("replay", again["replayed"] and again["case"] == first["case"], again)

    update = {"case": {"case_id": case_id, "title": "Renamed", "team": "ignored"}, "update_mask": "title", "expected_version": "1"}
    updated = commands.call("UpdateCase", update)["case"]
    check("update by mask", (updated["title"], updated["version"]) == ("Renamed", "2") and "team" not in updated, updated)
    moved = commands.call("TransitionCase", {"case_id": case_id, "to_status": "SUBMITTED"})
    check("transition", moved["case"]["status"] == "SUBMITTED", moved)

    details = refused(
        "a transition without an edge", grpc.StatusCode.FAILED_PRECONDITION, "TRANSITION_NOT_ALLOWED",
        lambda: commands.call("TransitionCase", {"case_id": case_id, "to_status": "CLOSED", "reason": "done"}),
    )
    metadata = dict(details["ErrorInfo"].metadata)
    check("its metadata", (metadata["from"], metadata["to"]) == ("SUBMITTED", "CLOSED") and "IN_REVIEW" in metadata["allowed"], metadata)
    check("its precondition", len(details["PreconditionFailure"].violations) == 1, details)
    details = refused(
        "two invalid fields", grpc.StatusCode.INVALID_ARGUMENT, "VALIDATION_FAILED",
        lambda: commands.call("CreateCase", {"case": {"title": "", "reporter": "r" * 129}}),
    )
    fields = sorted(violation.field for violation in details["BadRequest"].field_violations)
    check("both are named", fields == ["case.reporter", "case.title"], fields)

    commented = commands.call("AddComment", {"case_id": case_id, "body": "Plumber booked.\n\U0001f4a7"})
    check("comment", commented["comment"]["body"] == "Plumber booked.\n\U0001f4a7", commented)
    other = commands.call("CreateCase", {"case": {"title": "The other"}})["case"]["case_id"]
    link = {"case_id": case_id, "linked_case_id": other, "link_type": "LINK_TYPE_DUPLICATES"}
    linked = commands.call("LinkCases", link)
    check("link", linked["case"]["links"] == [{"case_id": other, "link_type": "LINK_TYPE_DUPLICATES"}], linked)

    fresh = {"consistency": {"at_least_as_fresh": [linked["consistency_token"]]}}
    read = queries.call("GetCase", {"case_id": case_id, **fresh})
    check("read your write", read["case"]["version"] == "5" and read["as_of"], read)
    inverse = queries.call("GetCase", {"case_id": other, **fresh})["case"]["links"]
    check("the other side of the link", inverse == [{"case_id": case_id, "link_type": "LINK_TYPE_DUPLICATED_BY"}], inverse)
    entries = queries.call("GetCaseTimeline", {"case_id": case_id, **fresh})["entries"]
    actions = [entry["action"] for entry in entries]
    expected = ["case_created", "case_updated", "case_transitioned", "case_commented", "case_linked"]
    check("timeline", sorted(actions) == sorted(expected), actions)
    return case_id, len(expected)


def evidence(audits, case_id, changes):
    """The audit log follows by itself: asked until it has everything."""
    for _ in range(100):
        events = audits.call("ListAuditEvents", {"filter": {"case_id": case_id, "actor_id": "python"}}).get("audit_events", [])
        if len(events) == changes:
            break
        time.sleep(0.1)
    check("audit events", len(events) == changes and events[0]["action"] == "case_created", events)
    check("their requests", all(event["request_id"].startswith("python-") for event in events), events)
    commented = audits.call("ListAuditEvents", {"filter": {"case_id": case_id, "action": "case_commented"}})
    check("filtered", len(commented["audit_events"]) == 1, commented)


def main():
    names = ("CaseCommandService", "CaseQueryService", "AuditService")
    services = [Service(port, f"casetracker.v1.{name}") for port, name in zip(sys.argv[1:], names, strict=True)]
    check("every service is SERVING", all(service.serves() for service in services))
    commands, queries, audits = services
    case_id, changes = commands_and_reads(commands, queries)
    evidence(audits, case_id, changes)
    print(f"ok: python: {Service.calls} answers and errors echo their request ids")


main()
