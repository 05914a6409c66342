"""One job from its first listing to its output, in one container."""

from __future__ import annotations

from reading_room.analysis.beside import Beside
from reading_room.analysis.billing import Meter
from reading_room.analysis.engine import Engine
from reading_room.analysis.forms import form_of
from reading_room.analysis.job_file import Done, Progress
from reading_room.analysis.outputs import output_of
from reading_room.analysis.part_work import Pace, PartAnalysis, plan_of
from reading_room.analysis.program import Work


def run_job(work: Work, engine: Engine) -> Done:
    """Read, analyse and write one job, part by part.

    When ``work.stopping`` turns true, the documents finished so far are written, as AWS promises for a stopped job.
    Raise ``JobFailure``; then there is no archive, and objects that were already written are removed by the service.
    """
    job, storage = work.job, work.storage
    plan = plan_of(job, storage, work.stopping)
    documents = errors = 0
    meter = Meter()
    stopped = not plan.complete
    pace = Pace(work.now)
    with output_of(job, form_of(job), storage, work.scratch, plan) as output:
        for part in plan.parts:
            beside = Beside.of_part(job, storage, part, work.scratch)
            analysis = PartAnalysis(job, engine, storage, part, work.stopping)
            for document, line in analysis:
                output.keep(document.source, line.encode())
                for name, piece in beside.of(document):
                    output.keep_beside(document.source, name, piece)
                documents += 1
                errors += document.error is not None
                meter.count(document)
                if pace.due():
                    work.tell(Progress(documents, plan.documents or 0))
            if analysis.stopped:
                stopped = True
                break
        size, sha256 = output.finish()
    return Done(
        documents=documents,
        errors=errors,
        size=size,
        sha256=sha256,
        stopped=stopped,
        warning=output.warning,
        characters=meter.characters,
        units=meter.units,
    )


class DocumentProgram:
    """The program of every kind whose documents are analysed one by one, by an engine that is loaded by its name."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def engine(self, work: Work) -> Engine:
        """Return the engine, which is already loaded."""
        return self._engine

    def run(self, work: Work) -> Done:
        """Analyse the documents of a job."""
        return run_job(work, self.engine(work))
