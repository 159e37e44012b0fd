"""Makes rules from the documents of a rule file."""

from __future__ import annotations

import hashlib
from pathlib import Path

from rhinecloud.kernel.declarative import Document, FileFault, all_of, fit_documents, parse_file
from rhinecloud.kernel.faults import ErrorCollector
from rhinecloud.kernel.severity import Severity
from rhinecloud.ngsild.context import Context
from rhinecloud.risk.message import parse_template, with_entity_name
from rhinecloud.risk.model import Evidence, IncidentCall, Rule, Silence, Window, Zone
from rhinecloud.risk.rule_document import AreaKeys, IncidentKeys, RuleDocument, SilenceKeys
from rhinecloud.risk.rule_fields import RuleScope


def read_rule_documents(path: Path, context: Context, name: str = "") -> list[Document[RuleDocument]]:
    """Return the documents of a rule file; raise Invalid, or Faults, with every fault."""
    documents: list[Document[RuleDocument]] = []
    collector = ErrorCollector()
    for parsed in parse_file(path, name):
        with collector.collect():
            scope = RuleScope.of(parsed.data, context, path.parent)
            documents += fit_documents([parsed], RuleDocument, scope)
    ids = [each.value.id for each in documents]
    for index, document in enumerate(documents):
        if document.value.id in ids[:index]:
            reason = f"the id `{document.value.id}` must not be used twice in one file"
            collector.found.append(document.fault(("id",), reason))
    if collector.found:
        raise all_of([each for each in collector.found if isinstance(each, FileFault)])
    return documents


def make_rule(document: Document[RuleDocument], source: Path, context: Context | None = None) -> Rule:
    """Return a compiled rule; its names belong to `context`, None for the city's."""
    written = document.value
    title = written.title or {"de": written.id, "en": written.id}
    message = written.message or {
        language: with_entity_name(parse_template(text)) for language, text in title.items()
    }
    return Rule(
        id=written.id,
        version=written.version,
        digest=hashlib.sha256(document.text.encode()).hexdigest()[:16],
        title=title,
        description=written.description,
        types=written.types,
        severity=written.severity,
        message=message,
        category=written.category,
        sub_category=written.sub_category,
        where=written.where,
        when=written.when,
        clear=written.clear,
        window=Window(written.window.attribute, written.window.over) if written.window else None,
        silence=_silence(written.silence) if written.silence else None,
        zone=_zone(written.area) if written.area else None,
        hold_s=written.hold,
        cooldown_s=written.cooldown,
        expires_s=written.expires,
        until=written.until,
        fingerprint=written.fingerprint,
        units=written.units,
        evidence=Evidence(written.evidence.readings, written.evidence.max_age),
        incident=_incident_call(written.incident),
        includes_alerts=written.include_alerts,
        source=str(source),
        context=context,
    )


def _silence(keys: SilenceKeys) -> Silence:
    return Silence(keys.attribute, keys.intervals, keys.interval, keys.interval_from)


def _zone(keys: AreaKeys) -> Zone:
    return Zone(keys.event, keys.geometry or keys.file, keys.entity, keys.margin_m)


def _incident_call(written: str | IncidentKeys) -> IncidentCall:
    if isinstance(written, IncidentKeys):
        return IncidentCall(written.severity_at_least, written.resolve_with_alert)
    return IncidentCall(Severity.INFORMATIONAL if written == "auto" else None)
