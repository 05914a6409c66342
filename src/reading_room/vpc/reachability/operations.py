"""Operations on network insights: paths, and analyses of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from reading_room.arns import ec2_arn
from reading_room.aws.call import Call
from reading_room.aws.errors import AwsError
from reading_room.vpc import idempotency, lookup, tags
from reading_room.vpc.identifiers import NETWORK_INSIGHTS_ANALYSIS, NETWORK_INSIGHTS_PATH, Kind, kind_of
from reading_room.vpc.operations.binding import Ec2Operations, Request, Response, ec2
from reading_room.vpc.operations.describing import shown
from reading_room.vpc.operations.scope import about, created, existing
from reading_room.vpc.pagination import Paging
from reading_room.vpc.reachability import insights
from reading_room.vpc.tables import NetworkInsightsAnalysis, NetworkInsightsPath

_HEADER_FILTERS = {
    "source-address": "SourceAddress",
    "source-port-range": "SourcePortRange.FromPort",
    "destination-address": "DestinationAddress",
    "destination-port-range": "DestinationPortRange.FromPort",
}
PATH_FILTERS = {
    "destination": "Destination",
    "protocol": "Protocol",
    "source": "Source",
    "tag-key": "",
    **{f"filter-at-source.{name}": f"FilterAtSource.{path}" for name, path in _HEADER_FILTERS.items()},
    **{f"filter-at-destination.{name}": f"FilterAtDestination.{path}" for name, path in _HEADER_FILTERS.items()},
}
ANALYSIS_FILTERS = {"path-found": "NetworkPathFound", "status": "Status", "tag-key": ""}
READ_FIRST = (
    "ec2:DescribeInternetGateways",
    "ec2:DescribeNatGateways",
    "ec2:DescribeNetworkAcls",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcEndpoints",
    "ec2:DescribeVpcs",
)
"""An analysis reveals what these calls return, so its caller needs permission for all of them."""
_PATH = existing(NETWORK_INSIGHTS_PATH, "NetworkInsightsPathId")


class NetworkInsightsOperations(Ec2Operations):
    """CreateNetworkInsightsPath, StartNetworkInsightsAnalysis and related operations."""

    @ec2(
        "CreateNetworkInsightsPath",
        "Source SourceIp Destination DestinationIp Protocol DestinationPort FilterAtSource FilterAtDestination "
        "ClientToken TagSpecifications",
        scope=about(created(NETWORK_INSIGHTS_PATH)),
    )
    def create_network_insights_path(self, call: Call, request: Request) -> Response:
        """Create a path."""
        to_tag = self.authorize_tags(call, request, NETWORK_INSIGHTS_PATH)
        now = self.clock()
        with self.database.transaction() as session:
            earlier = idempotency.earlier(session, call.account, "CreateNetworkInsightsPath", request)
            if earlier is not None:
                path = lookup.one(session, NETWORK_INSIGHTS_PATH, call.account, earlier[0])
            else:
                path = insights.create_path(session, call.region, call.account, request, now, limits=self.quotas)
                tags.put(session, NETWORK_INSIGHTS_PATH, call.account, path.path_id, to_tag)
                idempotency.remember(session, call.account, "CreateNetworkInsightsPath", request, [path.path_id], now)
            return {"NetworkInsightsPath": path_views(session, call.region, [path])[0]}

    @ec2("DescribeNetworkInsightsPaths", "NetworkInsightsPathIds Filters MaxResults NextToken")
    def describe_network_insights_paths(self, call: Call, request: Request) -> Response:
        """List paths."""
        ids = request.get("NetworkInsightsPathIds") or ()
        with self.database.reading() as session:
            rows = lookup.described(session, NETWORK_INSIGHTS_PATH, call.account, ids)
            views = path_views(session, call.region, rows)
        paging = Paging("DescribeNetworkInsightsPaths", "NetworkInsightsPathId", 1, 100, ids="NetworkInsightsPathIds")
        return shown(views, request, "NetworkInsightsPaths", PATH_FILTERS, paging)

    @ec2("DeleteNetworkInsightsPath", "NetworkInsightsPathId", scope=about(_PATH))
    def delete_network_insights_path(self, call: Call, request: Request) -> Response:
        """Delete a path without analyses."""
        path_id = request["NetworkInsightsPathId"]
        with self.database.transaction() as session:
            insights.delete_path(session, call.account, path_id, self.clock())
        return {"NetworkInsightsPathId": path_id}

    @ec2(
        "StartNetworkInsightsAnalysis",
        "NetworkInsightsPathId FilterInArns FilterOutArns ClientToken TagSpecifications",
        scope=about(created(NETWORK_INSIGHTS_ANALYSIS), _PATH),
    )
    def start_network_insights_analysis(self, call: Call, request: Request) -> Response:
        """Analyse a path. The response shows the analysis as running, although it has already ended."""
        to_tag = self.authorize_tags(call, request, NETWORK_INSIGHTS_ANALYSIS)
        refusal = self._refusal(call)
        now = self.clock()
        operation = "StartNetworkInsightsAnalysis"
        with self.database.reading() as session:
            earlier = idempotency.earlier(session, call.account, operation, request)
            result: dict[str, Any] = {"StatusMessage": refusal}
            if earlier is None and not refusal:
                result = insights.analyse_path(session, call.region, call.account, request, limits=self.quotas)
        with self.database.transaction() as session:
            earlier = idempotency.earlier(session, call.account, operation, request)
            if earlier is not None:
                row = lookup.one(session, NETWORK_INSIGHTS_ANALYSIS, call.account, earlier[0])
                return {"NetworkInsightsAnalysis": analysis_views(session, call.region, [row])[0]}
            row = insights.store_analysis(session, call.account, request, result, now, limits=self.quotas)
            tags.put(session, NETWORK_INSIGHTS_ANALYSIS, call.account, row.analysis_id, to_tag)
            idempotency.remember(session, call.account, operation, request, [row.analysis_id], now)
            view = analysis_views(session, call.region, [row])[0]
        found = ("ForwardPathComponents", "ReturnPathComponents", "Explanations", "NetworkPathFound", "StatusMessage")
        running = {name: value for name, value in view.items() if name not in found}
        return {"NetworkInsightsAnalysis": running | {"Status": "running"}}

    @ec2(
        "DescribeNetworkInsightsAnalyses",
        "NetworkInsightsAnalysisIds NetworkInsightsPathId AnalysisStartTime AnalysisEndTime Filters MaxResults "
        "NextToken",
    )
    def describe_network_insights_analyses(self, call: Call, request: Request) -> Response:
        """List analyses that started between two times."""
        ids, path_id = request.get("NetworkInsightsAnalysisIds") or (), request.get("NetworkInsightsPathId")
        first, last = request.get("AnalysisStartTime"), request.get("AnalysisEndTime")
        with self.database.reading() as session:
            rows = [
                row
                for row in insights.described(session, call.account, ids, path_id, self.clock())
                if (first is None or row.started_at >= first) and (last is None or row.started_at <= last)
            ]
            views = analysis_views(session, call.region, rows)
        paging = Paging(
            "DescribeNetworkInsightsAnalyses", "NetworkInsightsAnalysisId", 1, 100, ids="NetworkInsightsAnalysisIds"
        )
        return shown(views, request, "NetworkInsightsAnalyses", ANALYSIS_FILTERS, paging)

    @ec2(
        "DeleteNetworkInsightsAnalysis",
        "NetworkInsightsAnalysisId",
        scope=about(existing(NETWORK_INSIGHTS_ANALYSIS, "NetworkInsightsAnalysisId")),
    )
    def delete_network_insights_analysis(self, call: Call, request: Request) -> Response:
        """Delete an analysis."""
        analysis_id = request["NetworkInsightsAnalysisId"]
        with self.database.transaction() as session:
            insights.delete_analysis(session, call.account, analysis_id)
        return {"NetworkInsightsAnalysisId": analysis_id}

    def _refusal(self, call: Call) -> str:
        """Return the reason to fail the caller's analysis, or an empty text if it has all permissions."""
        for action in READ_FIRST:
            try:
                self.authorize_also(call, action)
            except AwsError as error:
                return f"The request failed due to insufficient permissions: {error.message}"
        return ""


def path_views(session: Session, region: str, rows: list[NetworkInsightsPath]) -> list[dict[str, Any]]:
    """Return paths as EC2 shows them."""
    tagged = tags.of(session, [row.path_id for row in rows])
    views = []
    for row in rows:
        view: dict[str, Any] = {
            "NetworkInsightsPathId": row.path_id,
            "NetworkInsightsPathArn": _arn(region, row.account, NETWORK_INSIGHTS_PATH, row.path_id),
            "CreatedDate": row.created_at,
            "Source": row.source,
            "SourceArn": _arn(region, row.account, kind_of(row.source), row.source),
            "Protocol": row.protocol,
            **row.request,
            "Tags": tagged[row.path_id],
        }
        if row.destination is not None:
            view["Destination"] = row.destination
            view["DestinationArn"] = _arn(region, row.account, kind_of(row.destination), row.destination)
        views.append(view)
    return views


def analysis_views(session: Session, region: str, rows: list[NetworkInsightsAnalysis]) -> list[dict[str, Any]]:
    """Return analyses as EC2 shows them."""
    tagged = tags.of(session, [row.analysis_id for row in rows])
    return [
        {
            "NetworkInsightsAnalysisId": row.analysis_id,
            "NetworkInsightsAnalysisArn": _arn(region, row.account, NETWORK_INSIGHTS_ANALYSIS, row.analysis_id),
            "NetworkInsightsPathId": row.path_id,
            "StartDate": row.started_at,
            "Status": row.status,
            **({"NetworkPathFound": row.path_found} if row.status == "succeeded" else {}),
            **({"FilterInArns": row.filters} if row.filters else {}),
            **row.result,
            "Tags": tagged[row.analysis_id],
        }
        for row in rows
    ]


def _arn(region: str, account: str, kind: Kind, identifier: str) -> str:
    return ec2_arn(region, account, kind.word, identifier)
