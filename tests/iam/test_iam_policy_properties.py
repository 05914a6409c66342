"""Properties of all texts, policies and requests: parsing, printing, explaining and limiting."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import assume, example, given
from hypothesis import strategies as st

from reading_room.aws.call import Principal
from reading_room.iam.policy.conditions import OPERATORS, parse_conditions
from reading_room.iam.policy.document import PolicyDocumentError, PolicyUse, parse
from reading_room.iam.policy.evaluate import AttachedPolicy, PolicyKind, Request, decide
from reading_room.iam.policy.explain import explain
from reading_room.iam.policy.lint import lint, merged
from reading_room.iam.policy.patterns import ArnTemplate, Template
from reading_room.iam.policy.positions import statement_spans
from reading_room.iam.policy.printing import print_policy

ACCOUNT = "111122223333"
ALICE = Principal("user", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/alice", "AIDAEXAMPLEUSER000001", user_name="alice")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/reader"
READER = Principal(
    "session", ACCOUNT, f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/s", "AROAEXAMPLEROLE000001:s", role_arn=ROLE
)
VISITOR = Principal(
    "federated",
    ACCOUNT,
    f"arn:aws:sts::{ACCOUNT}:federated-user/visitor",
    f"{ACCOUNT}:visitor",
    issuer_arn=ALICE.arn,
    issuer_id=ALICE.user_id,
)
USES: tuple[PolicyUse, ...] = ("managed", "inline", "session", "trust", "bucket", "endpoint")
CORPUS = [
    path.read_text(encoding="utf-8")
    for path in sorted((Path(__file__).parent / "data" / "hostile_policies").glob("*.json"))
    if path.stat().st_size < 5_000
]
ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:ListBucket", "ec2:DescribeVpcs", "iam:PassRole"]
RESOURCES = [
    "arn:aws:s3:::corpus/a",
    "arn:aws:s3:::home/alice/x",
    "arn:aws:s3:::corpus",
    "arn:aws:ec2:us-east-1:111122223333:vpc/vpc-1",
    "*",
]
KEYS = {
    "aws:SourceVpce": ["vpce-1", "vpce-2"],
    "aws:username": ["alice", "bob"],
    "aws:SourceIp": ["10.0.0.1", "203.0.113.9"],
    "s3:max-keys": ["10", "1000"],
    "aws:CurrentTime": ["2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"],
    "aws:SecureTransport": ["true", "false"],
    "aws:PrincipalArn": [ALICE.arn, ROLE],
    "aws:TagKeys": ["team", "cost"],
}
_VALUES: dict[str, list[Any]] = {
    "String": ["vpce-1", "alice", "al*", "?lice", "${aws:username}", "${aws:username, 'alice'}", "ALICE", ""],
    "Arn": [ALICE.arn, "arn:aws:iam::*:role/*", "arn:aws:iam::111122223333:user/${aws:username}", "nothing"],
    "Numeric": ["10", 10, 10.5, "-1e3"],
    "Date": ["2025-01-01T00:00:00Z", "2025-06-01", "1735689600"],
    "Bool": ["true", "false", True, False],
    "Binary": ["YWxpY2U="],
    "IpAddress": ["10.0.0.0/8", "203.0.113.9", "2001:db8::/32"],
}


def values_for(operator: str) -> list[Any]:
    """Return policy values that are valid for an operator."""
    if operator in ("IpAddress", "NotIpAddress"):
        return _VALUES["IpAddress"]
    return next(values for family, values in _VALUES.items() if operator.startswith(family))


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    block: dict[str, dict[str, Any]] = {}
    for _ in range(draw(st.integers(0, 2))):
        key = draw(st.sampled_from([*KEYS, "aws:absent", "AWS:SourceVPCE"]))
        if draw(st.integers(0, 9)) == 0:
            block.setdefault("Null", {})[key] = draw(st.sampled_from(["true", "false", True]))
            continue
        operator = draw(st.sampled_from(sorted(OPERATORS)))
        values = draw(st.lists(st.sampled_from(values_for(operator)), min_size=1, max_size=2))
        quantifier = draw(st.sampled_from(["", "", "ForAllValues:", "ForAnyValue:"]))
        name = f"{quantifier}{operator}{draw(st.sampled_from(['', '', 'IfExists']))}"
        block.setdefault(name, {})[key] = draw(st.sampled_from([values, values[0]]))
    return block


@st.composite
def statements(draw: st.DrawFn, effect: str | None = None) -> dict[str, Any]:
    action = [*ACTIONS, "s3:*", "*", "s3:Get*", "S3:getobject", "s3:???Object"]
    resource = [*RESOURCES, "arn:aws:s3:::corpus*", "arn:aws:s3:::home/${aws:username}/*", "arn:aws:ec2:*:*:vpc/*"]
    entry: dict[str, Any] = {
        "Effect": effect or draw(st.sampled_from(["Allow", "Deny"])),
        draw(st.sampled_from(["Action", "Action", "NotAction"])): draw(
            st.lists(st.sampled_from(action), min_size=1, max_size=3)
        ),
        draw(st.sampled_from(["Resource", "Resource", "NotResource"])): draw(
            st.lists(st.sampled_from(resource), min_size=1, max_size=3)
        ),
    }
    block = draw(conditions())
    return entry | ({"Condition": block} if block else {})


principals = st.sampled_from(
    [
        "*",
        {"AWS": "*"},
        {"AWS": ACCOUNT},
        {"AWS": [f"arn:aws:iam::{ACCOUNT}:root", "444455556666"]},
        {"AWS": [ALICE.arn, ROLE]},
        {"AWS": READER.arn},
        {"AWS": VISITOR.arn},
        {"AWS": ALICE.user_id, "Service": "comprehend.amazonaws.com"},
        {"Federated": "cognito-identity.amazonaws.com", "AWS": "444455556666"},
    ]
)
contexts = st.fixed_dictionaries(
    {},
    optional={
        key: st.lists(st.sampled_from(values), min_size=1, max_size=2 if key == "aws:TagKeys" else 1).map(tuple)
        for key, values in KEYS.items()
    },
)
requests = st.builds(
    Request,
    principal=st.sampled_from([ALICE, READER, VISITOR]),
    action=st.sampled_from(ACTIONS),
    resources=st.tuples(st.sampled_from(RESOURCES)),
    resource_account=st.sampled_from([ACCOUNT, "444455556666"]),
    context=contexts,
)
versions = st.sampled_from(["2008-10-17", "2012-10-17"])


def text_of(entries: list[dict[str, Any]], version: str = "2012-10-17") -> str:
    numbered = [{"Sid": f"S{number}", **entry} for number, entry in enumerate(entries)]
    return json.dumps({"Version": version, "Statement": numbered})


def attached(kind: PolicyKind, entries: list[dict[str, Any]], principal: Any = "*") -> AttachedPolicy:
    uses: dict[PolicyKind, PolicyUse] = {"resource": "bucket", "endpoint": "endpoint", "session": "session"}
    use = uses.get(kind, "inline")
    if use in ("bucket", "endpoint"):
        entries = [{**entry, "Principal": principal} for entry in entries]
    return AttachedPolicy(kind, parse(text_of(entries), use), kind)


some = st.lists(statements(), min_size=1, max_size=4)
others = st.lists(
    st.builds(
        attached,
        st.sampled_from(["identity", "boundary", "session", "resource", "endpoint"]),
        some,
        principals,
    ),
    max_size=3,
)


@given(requests, others, statements(effect="Deny"), st.sampled_from(["identity", "boundary", "session", "resource"]))
def test_an_additional_deny_never_allows(
    request: Request, policies: list[AttachedPolicy], deny: dict[str, Any], kind: PolicyKind
) -> None:
    before = decide(request, policies)
    # The first policy of a kind also limits by what it does not allow, so it is put beside one that allows everything.
    after = decide(request, [*policies, attached(kind, [deny])])
    assert before.allowed or not after.allowed


@given(requests, some, statements())
def test_an_unrelated_statement_changes_nothing(
    request: Request, entries: list[dict[str, Any]], more: dict[str, Any]
) -> None:
    more = {key: value for key, value in more.items() if key not in ("Action", "NotAction")}
    unrelated = {**more, "Action": ["sqs:*", "sns:Publish"]}
    for kind in ("identity", "resource"):
        before = decide(request, [attached(kind, entries)])
        after = decide(request, [attached(kind, [*entries, unrelated])])
        assert (before.outcome, before.because) == (after.outcome, after.because)


@given(requests, some, others, st.integers(0, 3))
def test_removing_an_allow_never_allows(
    request: Request, entries: list[dict[str, Any]], policies: list[AttachedPolicy], which: int
) -> None:
    allows = [entry for entry in entries if entry["Effect"] == "Allow"]
    assume(allows)
    less = [entry for entry in entries if entry is not allows[which % len(allows)]] or [
        {"Effect": "Deny", "Action": "sqs:*", "Resource": "*"}
    ]
    before = decide(request, [attached("identity", entries), *policies])
    after = decide(request, [attached("identity", less), *policies])
    assert before.allowed or not after.allowed


@given(requests, others, some, st.sampled_from(["boundary", "session", "endpoint"]))
def test_a_limiting_policy_never_allows_more(
    request: Request, policies: list[AttachedPolicy], entries: list[dict[str, Any]], kind: PolicyKind
) -> None:
    assume(all(policy.kind != kind for policy in policies))
    if decide(request, [*policies, attached(kind, entries)]).allowed:
        assert decide(request, policies).allowed


@given(requests, some, st.sampled_from(["boundary", "session"]))
def test_a_limiting_policy_alone_allows_nothing(
    request: Request, entries: list[dict[str, Any]], kind: PolicyKind
) -> None:
    assert not decide(request, [attached(kind, entries)]).allowed


@given(st.sampled_from(sorted(OPERATORS)), st.data())
def test_if_exists_equals_the_plain_operator_if_the_key_exists(operator: str, data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(list(KEYS)))
    values = data.draw(st.lists(st.sampled_from(values_for(operator)), min_size=1, max_size=3))
    context = {key.lower(): tuple(data.draw(st.lists(st.sampled_from(KEYS[key]), min_size=1, max_size=2)))}
    for quantifier in ("", "ForAllValues:", "ForAnyValue:"):
        plain, lenient = (
            parse_conditions({f"{quantifier}{operator}{suffix}": {key: values}}, variables=True)[0]
            for suffix in ("", "IfExists")
        )
        assert plain.holds(context) is lenient.holds(context)
        assert lenient.holds({})


@given(st.sampled_from(sorted(name for name in OPERATORS if "Not" in name)), st.data())
def test_a_negated_operator_is_the_opposite_of_the_plain_one(operator: str, data: st.DataObject) -> None:
    opposite = operator.replace("Not", "") if operator != "NotIpAddress" else "IpAddress"
    values = data.draw(st.lists(st.sampled_from(values_for(operator)), min_size=1, max_size=3))
    key = data.draw(st.sampled_from(list(KEYS)))
    context = data.draw(st.sampled_from([{}, *({key.lower(): (value,)} for value in KEYS[key])]))
    negated, plain = (
        parse_conditions({name: {key: values}}, variables=True)[0].holds(context) for name in (operator, opposite)
    )
    assert negated is not plain


@given(some, versions, st.sampled_from(["inline", "session", "bucket", "endpoint"]), principals, st.booleans())
def test_a_printed_policy_parses_to_the_same_policy(
    entries: list[dict[str, Any]], version: str, use: PolicyUse, principal: Any, inverted: bool
) -> None:
    if use in ("bucket", "endpoint"):
        entries = [
            {**entry, "NotPrincipal" if inverted and entry["Effect"] == "Deny" else "Principal": principal}
            for entry in entries
        ]
    policy = parse(text_of(entries, version), use)
    printed = print_policy(policy)
    assert parse(printed, use) == policy
    assert print_policy(parse(printed, use)) == printed


@given(requests, some)
def test_a_printed_policy_decides_the_same(request: Request, entries: list[dict[str, Any]]) -> None:
    first = attached("identity", entries)
    again = replace(first, policy=parse(print_policy(first.policy), "inline"))
    assert decide(request, [first]) == decide(request, [again])


@given(requests, others)
def test_an_explanation_has_the_same_statements_as_the_decision(
    request: Request, policies: list[AttachedPolicy]
) -> None:
    decision = decide(request, policies)
    explanation = explain(request, policies)
    assert explanation.decision == decision
    decided = {(story.kind, story.policy, story.statement) for story in explanation.deciding}
    assert decided == {tuple(reason) for reason in decision.because if reason.statement is not None}
    for story in explanation.statements:
        assert story.matched is not bool(story.mismatches)
    if decision.outcome == "explicitDeny":
        assert explanation.deciding
    assert json.dumps(explanation.to_document(), default=str)


@given(some, st.sampled_from([None, 0, 2, "\t"]), st.booleans())
def test_a_statements_span_contains_the_statement(
    entries: list[dict[str, Any]], indent: int | str | None, first: bool
) -> None:
    document: dict[str, Any] = {"Id": "x]}", "Statement": entries, "Version": "2012-10-17"}
    if first:
        document = {"Statement": entries[0], "Id": "{["}
        entries = entries[:1]
    text = json.dumps(document, indent=indent)
    lines = text.split("\n")
    for entry, span in zip(entries, statement_spans(text), strict=True):
        start, end = (sum(len(line) + 1 for line in lines[: at.line - 1]) + at.column - 1 for at in span)
        # The span of a single statement begins after its brace.
        assert json.loads("{" * first + text[start:end]) == entry


def naive(pattern: str, value: str, forbidden: str = "") -> bool:
    """Match wildcards by exhaustive search; wildcards never match characters in ``forbidden``."""
    if not pattern:
        return not value
    if pattern[0] == "*":
        return naive(pattern[1:], value, forbidden) or (
            bool(value) and value[0] not in (forbidden or "\0") and naive(pattern, value[1:], forbidden)
        )
    matches = bool(value) and (pattern[0] == value[0] or (pattern[0] == "?" and value[0] not in (forbidden or "\0")))
    return matches and naive(pattern[1:], value[1:], forbidden)


short = st.text(alphabet="ab*?", max_size=4)


@given(st.lists(short, min_size=4, max_size=4), st.text(alphabet="ab:*?", max_size=6), st.data())
def test_an_arn_is_matched_part_by_part(head: list[str], last: str, data: st.DataObject) -> None:
    plain = st.text(alphabet="ab", max_size=4)
    parts = [data.draw(plain) for _ in head]
    end = data.draw(st.text(alphabet="ab:", max_size=6))
    template = f"arn:{':'.join(head)}:{last}"
    value = f"arn:{':'.join(parts)}:{end}"
    expected = all(naive(*pair) for pair in zip(head, parts, strict=True)) and naive(last, end)
    for arn in (ArnTemplate.parse(template), ArnTemplate.parse_resource(template, variables=False)):
        assert arn.matches(value, {}) is expected


@given(st.text(alphabet="aB*?", max_size=8), st.text(alphabet="Ab", max_size=8))
def test_ignoring_case_equals_comparing_in_lower_case(pattern: str, value: str) -> None:
    assert Template.parse(pattern).matches(value, {}, True) is naive(pattern.lower(), value.lower())


@given(st.lists(st.sampled_from([*ACTIONS, "s3:*", "*", "s3:Get*"]), min_size=1), st.sampled_from(ACTIONS))
def test_the_statements_found_for_an_action_cover_it(actions: list[str], action: str) -> None:
    entries = [{"Effect": "Allow", "Action": each, "Resource": "*"} for each in actions]
    policy = parse(text_of(entries), "inline")
    covering = policy.covering(action)
    expected = [naive(each.lower(), action.lower()) for each in actions]
    assert [statement in covering for statement in policy.statements] == expected
    assert policy.covering(action) is covering
    assert policy.covering(action.upper()) == covering


words = st.sampled_from(
    ["Version", "Statement", "Effect", "Allow", "Action", "s3:*", "*", "Principal", "AWS", "Condition", "Null", "Sid",
     "2012-10-17", "StringEquals", "arn:aws:s3:::a", "NotResource", "Resource", "aws:userid", "${a}", "\x00", "\ud800"]
)  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | words | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words | st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)


@st.composite
def broken(draw: st.DrawFn) -> str:
    """Return a hostile document of the corpus, or a valid one, with a part removed, doubled or inserted."""
    good = [json.dumps({"Version": "2012-10-17", "Statement": [draw(statements())]}), text_of(draw(some))]
    text = draw(st.sampled_from(CORPUS + good))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        until = draw(st.integers(at, min(len(text), at + 8)))
        text = (
            text[:at] + draw(st.sampled_from(["", text[at:until] * 2, '"', "{", "]", "\\u", "*", ":"])) + text[until:]
        )
    return text


def check_reading(text: str, use: PolicyUse) -> None:
    """Parse a text, which must be a policy or be refused, without other errors, also from the other readers."""
    policy, refusal = None, ""
    try:
        policy = parse(text, use)
    except PolicyDocumentError as error:
        refusal = str(error)
    assert refusal.isprintable()
    if policy is not None:
        assert parse(print_policy(policy), use) == policy
        assert len(statement_spans(text)) == len(policy.statements)
        for kind in ("identity", "resource"):
            request = Request(ALICE, "s3:GetObject", ("arn:aws:s3:::corpus/a",), ACCOUNT, {"aws:userid": ("x",)})
            explain(request, [AttachedPolicy(kind, policy, "fuzzed")])
    lint(text, use)
    one = merged(text)
    assert one is None or json.loads(one)


@given(broken(), st.sampled_from(USES))
@example("{}{}", "endpoint")
def test_a_corrupted_document_is_refused_without_other_errors(text: str, use: PolicyUse) -> None:
    check_reading(text, use)


@given(values, st.sampled_from(USES))
def test_any_json_is_a_policy_or_refused(value: Any, use: PolicyUse) -> None:
    check_reading(json.dumps(value), use)
    entry = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    for element in ("Sid", "Effect", "Action", "Resource", "Condition", "Principal"):
        check_reading(json.dumps({"Version": "2012-10-17", "Statement": [{**entry, element: value}]}), use)


@given(st.text(max_size=200), st.sampled_from(USES))
def test_any_text_is_a_policy_or_refused(text: str, use: PolicyUse) -> None:
    check_reading(text, use)
