"""What a batch's selector means."""

from collections.abc import Iterable
from typing import assert_never

from soundstrip_crds.batch import ConversionBatch, Requirement, Selector
from soundstrip_crds.conversion import Source, VideoConversion
from soundstrip_crds.names import BATCH_LABEL


def write_query(selector: Selector) -> str:
    """Return the selector in the form in which the API server takes it."""
    labels = [f"{key}={value}" for key, value in sorted(selector.match_labels.items())]
    expressions = [_write(one) for one in selector.match_expressions]
    return ",".join((*labels, *expressions, f"!{BATCH_LABEL}"))


def gather_sources(
    batch: ConversionBatch, selected: Iterable[VideoConversion]
) -> tuple[Source, ...]:
    """Return the sources of those that are the owner's, each once."""
    own = (one for one in selected if one.spec.owner.id == batch.spec.owner.id)
    return tuple({one.spec.source.file_id: one.spec.source for one in own}.values())


def _write(requirement: Requirement) -> str:
    key, values = requirement.key, ",".join(requirement.values)
    match requirement.operator:
        case "In":
            return f"{key} in ({values})"
        case "NotIn":
            return f"{key} notin ({values})"
        case "Exists":
            return key
        case "DoesNotExist":
            return f"!{key}"
        case _ as never:
            assert_never(never)
