"""VPC endpoints: a connection from a VPC to one service, with a policy that filters the requests through it.

This module holds what all endpoints share, and gateway endpoints. The route tables of a gateway endpoint are recorded
only as routes from the service's prefix list to it. Interface endpoints are in ``interface_endpoints.py``.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from reading_room.database.engine import Database
from reading_room.database.kept import Kept
from reading_room.iam.endpoint_policy import EndpointPolicy
from reading_room.iam.policy.document import PolicyDocumentError, parse
from reading_room.ids import resource_id
from reading_room.vpc import lookup, tags
from reading_room.vpc.endpoints import endpoint_services
from reading_room.vpc.endpoints.errors import InvalidPolicyDocument, TableOfAnotherNetwork
from reading_room.vpc.identifiers import ROUTE_TABLE, VPC_ENDPOINT
from reading_room.vpc.not_found import VpcEndpointNotFound, VpcEndpointToDeleteNotFound
from reading_room.vpc.quotas import Quotas, require_room
from reading_room.vpc.routing.errors import PrefixListRouteExists
from reading_room.vpc.routing.route_tables import next_number
from reading_room.vpc.tables import Route, RouteTable, Vpc, VpcEndpoint

MAX_NUMBER = 1990
"""The highest number of a customer's endpoint. Listener ports are derived from the numbers (``dataplane/spec.py``)."""
DEFAULT_POLICY = '{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}'
"""Full access: EC2's default policy of a gateway endpoint."""
DEFAULT_INTERFACE_POLICY = json.dumps(
    {"Statement": [{"Action": "*", "Effect": "Allow", "Principal": "*", "Resource": "*"}]}, indent=2
)
"""EC2's default policy of an interface endpoint: the same, but on several lines and without a version."""


def create(
    session: Session,
    vpc: Vpc,
    region: str,
    service_name: str,
    route_table_ids: Sequence[str],
    policy: str | None,
    now: dt.datetime,
    *,
    quotas: Quotas = Quotas(),
) -> VpcEndpoint:
    """Create a gateway endpoint and the routes to it.

    Raises ``InvalidServiceName``, ``InvalidPolicyDocument``, ``RouteTableNotFound``, ``TableOfAnotherNetwork``,
    ``PrefixListRouteExists`` or ``LimitExceeded``.
    """
    endpoint_services.find(region, service_name)
    used = select(func.count()).select_from(VpcEndpoint)
    used = used.where(VpcEndpoint.account == vpc.account, VpcEndpoint.kind == "Gateway")
    require_room(session.scalar(used), quotas.gateway_endpoints, "VpcEndpointLimitExceeded", "gateway VPC endpoints")
    endpoint = VpcEndpoint(
        vpc_endpoint_id=resource_id("vpce"),
        account=vpc.account,
        vpc_id=vpc.vpc_id,
        service_name=service_name,
        number=next_endpoint_number(session, vpc.vpc_id),
        policy=checked_policy(policy, "Gateway"),
        created_at=now,
    )
    session.add(endpoint)
    session.flush()
    add_route_tables(session, endpoint, route_table_ids)
    return endpoint


def next_endpoint_number(session: Session, vpc_id: str) -> int:
    """Return a number that no other endpoint of the VPC has."""
    numbers = set(session.scalars(select(VpcEndpoint.number).where(VpcEndpoint.vpc_id == vpc_id)))
    return next_number(numbers, MAX_NUMBER)


def add_route_tables(session: Session, endpoint: VpcEndpoint, route_table_ids: Sequence[str]) -> None:
    """Add routes from the service's prefix list to the endpoint to these tables, unless they exist.

    Raises ``RouteTableNotFound``, ``TableOfAnotherNetwork`` or ``PrefixListRouteExists``.
    """
    prefix_list_id = endpoint_services.prefix_list_of(endpoint.service_name)
    for route_table_id in dict.fromkeys(route_table_ids):
        route_table = _table(session, endpoint, route_table_id)
        existing = session.get(Route, (route_table.route_table_id, prefix_list_id))
        if existing is None:
            session.add(
                Route(route_table_id=route_table_id, destination=prefix_list_id, target=endpoint.vpc_endpoint_id)
            )
        elif existing.target != endpoint.vpc_endpoint_id:
            raise PrefixListRouteExists(route_table_id, prefix_list_id)
    session.flush()


def remove_route_tables(session: Session, endpoint: VpcEndpoint, route_table_ids: Sequence[str]) -> None:
    """Remove the endpoint's routes from these tables. Raises ``RouteTableNotFound`` or ``TableOfAnotherNetwork``."""
    for route_table_id in route_table_ids:
        _table(session, endpoint, route_table_id)
        session.execute(
            delete(Route).where(Route.route_table_id == route_table_id, Route.target == endpoint.vpc_endpoint_id)
        )


def delete_endpoint(session: Session, account: str, vpc_endpoint_id: str) -> None:
    """Delete an endpoint with its routes and tags. The interfaces of an interface endpoint must be deleted before.

    Raises ``VpcEndpointNotFound`` or ``MalformedId``.
    """
    endpoint: VpcEndpoint = lookup.one(session, VPC_ENDPOINT, account, vpc_endpoint_id)
    session.execute(delete(Route).where(Route.target == vpc_endpoint_id))
    tags.forget(session, vpc_endpoint_id)
    session.delete(endpoint)
    session.flush()


def default_policy(kind: str) -> str:
    """Return the default policy of an endpoint of this kind."""
    return DEFAULT_INTERFACE_POLICY if kind == "Interface" else DEFAULT_POLICY


def checked_policy(text: str | None, kind: str) -> str:
    """Return the text of a valid endpoint policy, or the default policy for ``None``.

    Raises ``InvalidPolicyDocument``.
    """
    if text is None:
        return default_policy(kind)
    try:
        parse(text, "endpoint")
    except PolicyDocumentError as error:
        raise InvalidPolicyDocument(str(error)) from None
    return text


def to_delete(session: Session, account: str, vpc_endpoint_id: str) -> VpcEndpoint:
    """Return an endpoint that DeleteVpcEndpoints names. Raises ``VpcEndpointToDeleteNotFound``."""
    try:
        row: VpcEndpoint = lookup.one(session, VPC_ENDPOINT, account, vpc_endpoint_id)
    except VpcEndpointNotFound:
        raise VpcEndpointToDeleteNotFound(vpc_endpoint_id) from None
    return row


class EndpointPolicies:
    """The policies of all endpoints, for the authorizer (``iam.authorizer.EndpointPolicies``).

    Each policy is read once and cached until an endpoint is written, so a change applies to the next request.
    Thread-safe.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept = Kept[str, EndpointPolicy](database, VpcEndpoint)

    def __call__(self, vpc_endpoint_id: str) -> EndpointPolicy | None:
        """Return the current policy of an endpoint, or ``None`` if the endpoint does not exist."""
        return self._kept.get(vpc_endpoint_id, self._read)

    def _read(self, vpc_endpoint_id: str) -> EndpointPolicy | None:
        with self._database.reading() as session:
            row = session.get(VpcEndpoint, vpc_endpoint_id)
            return None if row is None else EndpointPolicy(row.policy, row.kind == "Gateway", row.account)


class EndpointAccounts:
    """The accounts of endpoints. They are cached: an endpoint's owner never changes and its id is never reused."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[str, str] = {}

    def __call__(self, vpc_endpoint_id: str) -> str | None:
        """Return the account of an endpoint, or ``None`` if the endpoint does not exist."""
        if vpc_endpoint_id not in self._kept:
            with self._database.reading() as session:
                row = session.get(VpcEndpoint, vpc_endpoint_id)
                if row is None:
                    return None
                self._kept[vpc_endpoint_id] = row.account
        return self._kept[vpc_endpoint_id]


def route_tables_of(session: Session, vpc_endpoint_ids: Sequence[str]) -> dict[str, list[str]]:
    """Return the ids of the route tables with a route to each of several endpoints, by endpoint, sorted."""
    routes = lookup.grouped(session, Route, "target", vpc_endpoint_ids, "route_table_id")
    return {endpoint_id: [route.route_table_id for route in found] for endpoint_id, found in routes.items()}


def _table(session: Session, endpoint: VpcEndpoint, route_table_id: str) -> RouteTable:
    route_table: RouteTable = lookup.one(session, ROUTE_TABLE, endpoint.account, route_table_id)
    if route_table.vpc_id != endpoint.vpc_id:
        raise TableOfAnotherNetwork(route_table_id, endpoint.vpc_id)
    return route_table
