"""ClassifyDocument, and DetectEntities with an EndpointArn: the model of an endpoint analyses a text or document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reading_room.analysis.kinds import LARGE_TEXT
from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.comprehend.conditions import existing_endpoint
from reading_room.comprehend.endpoints.endpoints import SERVING
from reading_room.comprehend.endpoints.errors import EndpointUnavailable
from reading_room.comprehend.endpoints.models import EndpointModel, model_of
from reading_room.comprehend.errors import (
    EngineFailedText,
    ResourceNotFoundException,
    ResourceUnavailableException,
)
from reading_room.comprehend.operations.documents import characters_of, raise_if_refused
from reading_room.comprehend.operations.prompt_safety import PromptSafety, prompt_safety_arn
from reading_room.comprehend.operations.realtime import Answer, CountCall, RealtimeEngines, check_members, given_of
from reading_room.comprehend.quotas import Quotas
from reading_room.comprehend.tables import EndpointRow
from reading_room.database.engine import Database
from reading_room.measures import IGNORED, Measures

if TYPE_CHECKING:
    from mypy_boto3_comprehend.type_defs import ClassifyDocumentRequestTypeDef


class EndpointCalls:
    """The synchronous calls to model endpoints."""

    def __init__(
        self,
        database: Database,
        engines: RealtimeEngines,
        quotas: Quotas,
        count: CountCall,
        measures: Measures = IGNORED,
    ) -> None:
        """``count`` counts a call for bills, before its answer."""
        self._database = database
        self._engines = engines
        self._quotas = quotas
        self._units = quotas.units
        self._count = count
        self._measures = measures
        self._prompts = PromptSafety(engines, count, measures)

    @operation("comprehend", "ClassifyDocument", resources=existing_endpoint)
    def classify(self, call: Call, request: ClassifyDocumentRequestTypeDef) -> Mapping[str, Any]:
        """Return the classes or labels of a text or document."""
        self._quotas.count(call.account, "ClassifyDocument")
        if request["EndpointArn"] == prompt_safety_arn(call.region):
            return self._prompts.classify(call, request)
        answer = self.answer(call, "ClassifyDocument", request)
        assert isinstance(answer, dict)
        return answer

    def answer(self, call: Call, name: str, request: Mapping[str, Any]) -> Answer:
        """Return the result of the endpoint that a request of the operation ``name`` names."""
        check_members(request)
        given = given_of(request, LARGE_TEXT)
        arn = request["EndpointArn"]
        model, amount = self._serving(call.account, arn)
        # How many characters a document has is known when it was read.
        self._units.admit(arn, amount, len(given) if isinstance(given, str) else 1)
        (answer,) = self._engines.analyse_with(model, [given])
        characters = characters_of(given, answer)
        self._measures.analysed(model.engine, 1, characters)
        if not isinstance(given, str):
            self._units.add(arn, amount, characters)
        raise_if_refused(answer)
        if answer is None:
            raise EngineFailedText
        self._count(call.account, name, [characters])
        return answer

    def _serving(self, account: str, arn: str) -> tuple[EndpointModel, int]:
        """Return the model and the units with which an endpoint answers. Raises ``ResourceUnavailableException``."""
        with self._database.reading() as session:
            row = session.get(EndpointRow, arn)
            if row is None or row.account != account:
                raise ResourceUnavailableException(arn)
            if row.status not in SERVING or row.model_arn is None or row.units is None:
                raise EndpointUnavailable(arn, row.status, row.message)
            try:
                model = model_of(session, account, row.model_arn)
            except ResourceNotFoundException:
                model = None
            if model is None:
                raise EndpointUnavailable(arn, row.status, f"its model {row.model_arn} was deleted")
            return model, row.units
