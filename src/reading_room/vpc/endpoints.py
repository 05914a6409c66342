"""Gateway endpoints: a way out of a VPC to one service, and the policy that filters what goes through it.

The routes that lead a prefix list to an endpoint are the record of its route tables.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from reading_room.iam.policy.document import PolicyDocumentError, parse
from reading_room.ids import resource_id
from reading_room.vpc import lookup, prefix_lists, tags
from reading_room.vpc.errors import VpcEndpointNotFound
from reading_room.vpc.identifiers import ROUTE_TABLE, VPC_ENDPOINT
from reading_room.vpc.quotas import Quotas, require_room
from reading_room.vpc.route_tables import next_number
from reading_room.vpc.rule_errors import PrefixListRouteExists
from reading_room.vpc.service_errors import InvalidPolicyDocument, InvalidServiceName, TableOfAnotherNetwork
from reading_room.vpc.tables import Route, RouteTable, Vpc, VpcEndpoint

MAX_NUMBER = 2000
"""Listener ports of endpoints are computed from their numbers (``dataplane/spec.py``)."""
DEFAULT_POLICY = '{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}'
"""Full access, as EC2 gives a gateway endpoint without a policy of its own."""


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
    """Make a gateway endpoint and the routes to it.

    Raises ``InvalidServiceName``, ``InvalidPolicyDocument``, ``RouteTableNotFound``, ``TableOfAnotherNetwork``,
    ``PrefixListRouteExists`` or ``LimitExceeded``.
    """
    _prefix_list_of(region, service_name)
    used = session.scalar(select(func.count()).select_from(VpcEndpoint).where(VpcEndpoint.account == vpc.account))
    require_room(used, quotas.gateway_endpoints, "VpcEndpointLimitExceeded", "gateway VPC endpoints")
    numbers = set(session.scalars(select(VpcEndpoint.number).where(VpcEndpoint.vpc_id == vpc.vpc_id)))
    endpoint = VpcEndpoint(
        vpc_endpoint_id=resource_id("vpce"),
        account=vpc.account,
        vpc_id=vpc.vpc_id,
        service_name=service_name,
        number=next_number(numbers, MAX_NUMBER),
        policy=DEFAULT_POLICY if policy is None else checked_policy(policy),
        created_at=now,
    )
    session.add(endpoint)
    session.flush()
    add_route_tables(session, endpoint, region, route_table_ids)
    return endpoint


def add_route_tables(session: Session, endpoint: VpcEndpoint, region: str, route_table_ids: Sequence[str]) -> None:
    """Lead the service's prefix list to the endpoint in these tables; one that does so already stays.

    Raises ``RouteTableNotFound``, ``TableOfAnotherNetwork`` or ``PrefixListRouteExists``.
    """
    prefix_list_id = _prefix_list_of(region, endpoint.service_name)
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
    """Take the endpoint's routes out of these tables. Raises ``RouteTableNotFound`` or ``TableOfAnotherNetwork``."""
    for route_table_id in route_table_ids:
        _table(session, endpoint, route_table_id)
        session.execute(
            delete(Route).where(Route.route_table_id == route_table_id, Route.target == endpoint.vpc_endpoint_id)
        )


def delete_endpoint(session: Session, account: str, vpc_endpoint_id: str) -> None:
    """Delete an endpoint with its routes. Raises ``VpcEndpointNotFound`` or ``MalformedId``."""
    endpoint: VpcEndpoint = lookup.one(session, VPC_ENDPOINT, account, vpc_endpoint_id)
    session.execute(delete(Route).where(Route.target == vpc_endpoint_id))
    tags.forget(session, vpc_endpoint_id)
    session.delete(endpoint)
    session.flush()


def checked_policy(text: str) -> str:
    """Return the text of a policy that an endpoint can have. Raises ``InvalidPolicyDocument``."""
    try:
        parse(text, "endpoint")
    except PolicyDocumentError as error:
        raise InvalidPolicyDocument(str(error)) from None
    return text


def policy_of(session: Session, vpce_id: str) -> str:
    """Return the JSON text of an endpoint's policy. Raises ``VpcEndpointNotFound``, which must deny the request."""
    policy = session.scalar(select(VpcEndpoint.policy).where(VpcEndpoint.vpc_endpoint_id == vpce_id))
    if policy is None:
        raise VpcEndpointNotFound(vpce_id)
    return policy


def route_tables_of(session: Session, vpc_endpoint_ids: Sequence[str]) -> dict[str, list[str]]:
    """Return the ids of the route tables that lead to each of several endpoints, sorted."""
    routes = lookup.grouped(session, Route, "target", vpc_endpoint_ids, "route_table_id")
    return {endpoint_id: [route.route_table_id for route in found] for endpoint_id, found in routes.items()}


def _prefix_list_of(region: str, service_name: str) -> str:
    for prefix_list in prefix_lists.lists_of(region):
        if prefix_list.name == service_name:
            return prefix_list.prefix_list_id
    raise InvalidServiceName(service_name)


def _table(session: Session, endpoint: VpcEndpoint, route_table_id: str) -> RouteTable:
    route_table: RouteTable = lookup.one(session, ROUTE_TABLE, endpoint.account, route_table_id)
    if route_table.vpc_id != endpoint.vpc_id:
        raise TableOfAnotherNetwork(route_table_id, endpoint.vpc_id)
    return route_table
