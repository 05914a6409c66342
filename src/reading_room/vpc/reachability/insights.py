"""Network insights: paths whose reachability a customer asks about, and analyses of them.

An analysis is finished when the call that starts it returns, and describes the network at that moment. Paths and
analyses do not affect the network: no agent reads them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from ipaddress import AddressValueError, IPv4Address
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from reading_room.arns import Arn
from reading_room.dataplane.rules.verdicts import TCP, UDP
from reading_room.ids import resource_id
from reading_room.vpc import lookup, network_spec, quotas, tags
from reading_room.vpc.errors import Ec2Error, InvalidParameterValue, MissingParameter
from reading_room.vpc.identifiers import (
    INTERNET_GATEWAY,
    NETWORK_INSIGHTS_ANALYSIS,
    NETWORK_INSIGHTS_PATH,
    NETWORK_INTERFACE,
    VPC_ENDPOINT,
    Kind,
)
from reading_room.vpc.quotas import Quotas
from reading_room.vpc.reachability.errors import AnalysisExists, DestinationNotFound, FilterExcludes, SourceNotFound
from reading_room.vpc.reachability.paths import ANY_PORT, Header, Path, RulesDisagree, TooManyTries, analyse
from reading_room.vpc.reachability.views import Region, View, at_interface, components, explanations
from reading_room.vpc.tables import NetworkInsightsAnalysis, NetworkInsightsPath, NetworkInterface, Route

KEPT = dt.timedelta(days=120)
"""How long an analysis is kept. AWS deletes them after the same time."""
PROTOCOLS = {"tcp": TCP, "udp": UDP}
_ENDS: tuple[Kind, ...] = (NETWORK_INTERFACE, INTERNET_GATEWAY, VPC_ENDPOINT)
_EXCLUSIVE = (
    ("FilterAtSource", "SourceIp"),
    ("FilterAtSource", "DestinationPort"),
    ("FilterAtDestination", "DestinationIp"),
)
_PATH_MEMBERS = ("SourceIp", "DestinationIp", "DestinationPort", "FilterAtSource", "FilterAtDestination")


# Paths


def create_path(
    session: Session, region: str, account: str, request: Mapping[str, Any], now: dt.datetime, *, limits: Quotas
) -> NetworkInsightsPath:
    """Create a path.

    Raises ``SourceNotFound``, ``DestinationNotFound``, ``MissingParameter`` if there is no destination,
    ``FilterExcludes``, ``InvalidParameterValue`` for addresses and ranges, ``LimitExceeded``.
    """
    here = Region(region, account)
    source = _end(session, here, request["Source"], SourceNotFound)
    destination = request.get("Destination")
    if destination is not None:
        destination = _end(session, here, destination, DestinationNotFound)
    _check(request, destination)
    used = session.scalar(
        select(func.count()).select_from(NetworkInsightsPath).where(NetworkInsightsPath.account == account)
    )
    quotas.require_room(
        used, limits.network_insights_paths, "NetworkInsightsPath.LimitExceeded", "network insights paths"
    )
    path = NetworkInsightsPath(
        path_id=resource_id(NETWORK_INSIGHTS_PATH.prefix),
        account=account,
        source=source,
        destination=destination,
        protocol=request["Protocol"].lower(),
        request={name: request[name] for name in _PATH_MEMBERS if request.get(name) is not None},
        created_at=now,
    )
    session.add(path)
    session.flush()
    return path


def delete_path(session: Session, account: str, path_id: str, now: dt.datetime) -> None:
    """Delete a path that has no analyses. Raises ``PathNotFound``, ``MalformedId`` or ``AnalysisExists``."""
    path: NetworkInsightsPath = lookup.one(session, NETWORK_INSIGHTS_PATH, account, path_id)
    _forget_old(session, account, now)
    query = select(NetworkInsightsAnalysis.analysis_id).where(NetworkInsightsAnalysis.path_id == path_id)
    analysis_id = session.scalars(query.limit(1)).first()
    if analysis_id is not None:
        raise AnalysisExists(path_id, analysis_id)
    tags.forget(session, path_id)
    session.delete(path)
    session.flush()


def _end(session: Session, here: Region, given: str, missing: type[Ec2Error]) -> str:
    """Return the id of an end of a path, which is given by id or ARN."""
    identifier = given
    if given.startswith("arn:"):
        try:
            arn = Arn.parse(given)
        except ValueError:
            raise missing(given) from None
        identifier = arn.resource.rpartition("/")[2]
        if (arn.service, arn.account) != ("ec2", here.account):
            raise missing(given)
    kind = next((each for each in _ENDS if identifier.startswith(f"{each.prefix}-")), None)
    row = session.get(kind.table, identifier) if kind is not None else None
    if kind is None or row is None or row.account != here.account or not getattr(row, "vpc_id", None):
        raise missing(given)
    return identifier


def _check(request: Mapping[str, Any], destination: str | None) -> None:
    """Raise if parameters exclude each other, a destination is missing, or an address or port range is invalid."""
    for filter_name, excluded in (
        ("FilterAtSource", "SourceIp DestinationPort"),
        ("FilterAtDestination", "DestinationIp"),
    ):
        for name in excluded.split():
            if request.get(filter_name) and request.get(name) is not None:
                raise FilterExcludes(filter_name, name)
    filters = [request.get("FilterAtSource") or {}, request.get("FilterAtDestination") or {}]
    addresses = [("sourceIp", request.get("SourceIp")), ("destinationIp", request.get("DestinationIp"))]
    for each in filters:
        addresses += [(name, each.get(name)) for name in ("SourceAddress", "DestinationAddress")]
        for name in ("SourcePortRange", "DestinationPortRange"):
            first, last = _range(each.get(name))
            if first > last:
                raise InvalidParameterValue(name, f"{first}-{last}", "FromPort is greater than ToPort.")
    for name, address in addresses:
        if address is not None:
            try:
                IPv4Address(address)
            except AddressValueError:
                raise InvalidParameterValue(name, address, "It is not an IPv4 address.") from None
    if destination is None and not _destination_address(request):
        raise MissingParameter("Destination")


def _destination_address(request: Mapping[str, Any]) -> str:
    at_source, at_destination = request.get("FilterAtSource") or {}, request.get("FilterAtDestination") or {}
    given = request.get("DestinationIp"), at_destination.get("DestinationAddress"), at_source.get("DestinationAddress")
    return next((str(each) for each in given if each), "")


def _range(ports: Mapping[str, Any] | None) -> tuple[int, int]:
    if not ports:
        return ANY_PORT
    first = int(ports.get("FromPort") or 0)
    last = ports.get("ToPort")
    return first, ANY_PORT[1] if last is None else int(last)


def question(path: NetworkInsightsPath, through: Sequence[str] = (), around: Sequence[str] = ()) -> Path:
    """Return the question of a path; ``through`` and ``around`` are the ARNs of an analysis's filters."""
    request: Mapping[str, Any] = path.request
    at_source, at_destination = request.get("FilterAtSource") or {}, request.get("FilterAtDestination") or {}
    port = request.get("DestinationPort")
    arriving = at_destination.get("DestinationAddress") or request.get("DestinationIp") or ""
    # If the destination is only an address, it is the one that the sender writes, whatever a gateway changes it to.
    written = at_source.get("DestinationAddress") or ("" if path.destination else arriving)
    return Path(
        path.source,
        path.destination or "",
        PROTOCOLS[path.protocol],
        Header(
            at_source.get("SourceAddress") or request.get("SourceIp") or "",
            written,
            _range(at_source.get("SourcePortRange")),
            _range(at_source.get("DestinationPortRange")) if port is None else (port, port),
        ),
        Header(
            at_destination.get("SourceAddress") or "",
            arriving if path.destination else "",
            _range(at_destination.get("SourcePortRange")),
            _range(at_destination.get("DestinationPortRange")),
        ),
        frozenset(arn.rpartition("/")[2] for arn in through),
        frozenset(arn.rpartition("/")[2] for arn in around),
    )


# Analyses


def analyse_path(
    session: Session, region: str, account: str, request: Mapping[str, Any], *, limits: Quotas
) -> dict[str, Any]:
    """Analyse a path in the current network, and return the members of the analysis that hold the result.

    This may take a second in a large network, so call it in a read-only transaction. Raises ``PathNotFound`` or
    ``MalformedId``, and ``InvalidParameterValue`` for a filter that is not an ARN.
    """
    path: NetworkInsightsPath = lookup.one(session, NETWORK_INSIGHTS_PATH, account, request["NetworkInsightsPathId"])
    through, around = request.get("FilterInArns") or [], request.get("FilterOutArns") or []
    for name, arns in (("filterInArns", through), ("filterOutArns", around)):
        for arn in arns:
            if not arn.startswith("arn:aws:ec2:"):
                raise InvalidParameterValue(name, arn, "It is not the ARN of an EC2 resource.")
    return _result(session, region, path, question(path, through, around), limits.network_insights_tries)


def store_analysis(
    session: Session,
    account: str,
    request: Mapping[str, Any],
    result: Mapping[str, Any],
    now: dt.datetime,
    *,
    limits: Quotas,
) -> NetworkInsightsAnalysis:
    """Store an analysis with its result; a ``StatusMessage`` in the result means that it failed.

    Raises ``PathNotFound``, ``MalformedId`` or ``LimitExceeded``.
    """
    path: NetworkInsightsPath = lookup.one(session, NETWORK_INSIGHTS_PATH, account, request["NetworkInsightsPathId"])
    _forget_old(session, account, now)
    query = select(func.count()).select_from(NetworkInsightsAnalysis).where(NetworkInsightsAnalysis.account == account)
    quotas.require_room(
        session.scalar(query),
        limits.network_insights_analyses,
        "NetworkInsightsAnalysis.LimitExceeded",
        "network insights analyses",
    )
    failed = "StatusMessage" in result
    around = request.get("FilterOutArns")
    analysis = NetworkInsightsAnalysis(
        analysis_id=resource_id(NETWORK_INSIGHTS_ANALYSIS.prefix),
        account=account,
        path_id=path.path_id,
        status="failed" if failed else "succeeded",
        path_found=not failed and not result["Explanations"],
        result={**result, **({"FilterOutArns": around} if around else {})},
        filters=list(request.get("FilterInArns") or ()),
        started_at=now,
    )
    session.add(analysis)
    session.flush()
    return analysis


def _result(session: Session, region: str, path: NetworkInsightsPath, wanted: Path, most_tries: int) -> dict[str, Any]:
    """Return the members of an analysis that hold the result."""
    here = Region(region, path.account)
    spec = network_spec.read(session)
    for identifier in filter(None, (path.source, path.destination)):
        kind = next(each for each in _ENDS if identifier.startswith(f"{each.prefix}-"))
        row: Any = session.get(kind.table, identifier)
        if row is None or not row.vpc_id:
            return {"StatusMessage": f"The request failed due to missing component {identifier}"}
    try:
        answer = analyse(spec, wanted, most_tries)
    except TooManyTries:
        return {
            "StatusMessage": f"The path leaves more than {most_tries} combinations of addresses and ports open: "
            "name the destination port, or addresses, in the path"
        }
    except RulesDisagree as error:
        return {"StatusMessage": f"The analysis contradicts itself, which is a defect of this service: {error}"}
    if answer is None:
        unable = {"ExplanationCode": "NO_POSSIBLE_DESTINATION", "Component": here.component(path.source)}
        return {"Explanations": [unable]}
    result: dict[str, Any] = {"ForwardPathComponents": components(here, spec, answer)}
    if answer.found:
        return {**result, "ReturnPathComponents": components(here, spec, answer, back=True), "Explanations": []}
    found = explanations(here, spec, wanted.destination, answer)
    return {**result, "Explanations": [_as_written(session, here, each) for each in found]}


def _as_written(session: Session, here: Region, explanation: View) -> View:
    """Return an explanation of a blackhole route, with its target added if that is an interface."""
    if explanation["ExplanationCode"] != "BAD_STATE_ROUTE":
        return explanation
    shown = explanation["RouteTableRoute"]
    destination = shown.get("DestinationCidr") or shown.get("DestinationPrefixListId")
    query = select(Route.target).where(
        Route.route_table_id == explanation["RouteTable"]["Id"], Route.destination == destination
    )
    target = session.scalars(query).first() or ""
    interface = session.get(NetworkInterface, target) if target.startswith("eni-") else None
    checks = interface is not None and interface.source_dest_check
    return at_interface(here, explanation, target) if checks else explanation


def described(
    session: Session, account: str, analysis_ids: Sequence[str], path_id: str | None, now: dt.datetime
) -> list[NetworkInsightsAnalysis]:
    """Return the named analyses, those of a path, or all. Raises the errors of ``lookup.described``."""
    if path_id is not None:
        lookup.one(session, NETWORK_INSIGHTS_PATH, account, path_id)
    rows: list[NetworkInsightsAnalysis] = lookup.described(session, NETWORK_INSIGHTS_ANALYSIS, account, analysis_ids)
    for row in rows:
        if analysis_ids and row.started_at < now - KEPT:
            raise NETWORK_INSIGHTS_ANALYSIS.missing(row.analysis_id)
    return [row for row in rows if row.started_at >= now - KEPT and path_id in (None, row.path_id)]


def delete_analysis(session: Session, account: str, analysis_id: str) -> None:
    """Delete an analysis. Raises ``AnalysisNotFound`` or ``MalformedId``."""
    analysis = lookup.one(session, NETWORK_INSIGHTS_ANALYSIS, account, analysis_id)
    tags.forget(session, analysis_id)
    session.delete(analysis)
    session.flush()


def _forget_old(session: Session, account: str, now: dt.datetime) -> None:
    old = NetworkInsightsAnalysis.account == account, NetworkInsightsAnalysis.started_at < now - KEPT
    for analysis_id in session.scalars(select(NetworkInsightsAnalysis.analysis_id).where(*old)):
        tags.forget(session, analysis_id)
    session.execute(delete(NetworkInsightsAnalysis).where(*old))
