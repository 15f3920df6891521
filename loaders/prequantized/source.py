"""Where the weights to be quantized come from: a folder or the Hub, whose copy can be removed."""

from dataclasses import dataclass, replace
from pathlib import Path

from huggingface_hub import HfApi, scan_cache_dir, snapshot_download, try_to_load_from_cache
from huggingface_hub.errors import OfflineModeIsEnabled
from huggingface_hub.hf_api import ModelInfo

from loaders.checkpoint import repo_name
from loaders.family import ModelSpec, is_local
from loaders.faults import Fault
from loaders.hub.refusals import HTTPError
from loaders.sizes import say_size

WANTED = ("*.safetensors", "*.safetensors.index.json", "config.json", "generation_config.json")


@dataclass(frozen=True)
class Source:
    """A model's weights before they are here. `spec` is pinned to `commit`, empty for a folder.

    `missing_bytes` are still to be downloaded.
    """

    spec: ModelSpec
    commit: str = ""
    licence: str = ""
    missing_bytes: int = 0

    @property
    def name(self) -> str:
        """What to call it to others."""
        return source_name(self.spec)


def source_name(spec: ModelSpec) -> str:
    """A Hub id, or a folder without the path that led to it, unless that is inside the project."""
    name = repo_name(spec)
    return Path(name).name if is_local(name) else name


def find_source(spec: ModelSpec) -> Source:
    """Ask the Hub what `spec` names there; a Fault says why that failed. A folder is itself."""
    if is_local(spec.repo):
        return Source(spec)
    try:
        info = HfApi().model_info(spec.repo, revision=spec.revision, files_metadata=True)
    except (HTTPError, OfflineModeIsEnabled) as error:
        raise _unreachable(spec, error) from error
    commit = info.sha or spec.revision
    licence = str(info.card_data.get("license") or "") if info.card_data else ""
    missing = _missing_bytes(info, commit)
    return Source(replace(spec, revision=commit), commit, licence, missing)


def fetch_source(source: Source) -> Path:
    """The folder that holds the weights, downloaded into the Hub's cache if they have to be."""
    spec = source.spec
    if not source.commit:
        return Path(spec.repo)
    try:
        found = snapshot_download(spec.repo, revision=source.commit, allow_patterns=list(WANTED))
    except (HTTPError, OfflineModeIsEnabled, OSError) as error:
        raise _unreachable(spec, error) from error
    return Path(found)


def remove_source(source: Source) -> str:
    """Remove a Hub model from the cache, no other revision and never a user's own folder; says in
    a sentence what was done."""
    if not source.commit:
        return (
            f"{source.spec.repo} is a folder of yours and stays; --delete-source removes only "
            "copies of the Hub's."
        )
    plan = scan_cache_dir().delete_revisions(source.commit)
    plan.execute()
    return (
        f"{source.name} @ {source.commit[:8]} is removed from the Hub's cache; "
        f"{say_size(plan.expected_freed_size)} are free again."
    )


def _missing_bytes(info: ModelInfo, commit: str) -> int:
    weights = [file for file in info.siblings or [] if file.rfilename.endswith(".safetensors")]
    cached = {
        file.rfilename
        for file in weights
        if isinstance(try_to_load_from_cache(info.id, file.rfilename, revision=commit), str)
    }
    return sum(file.size or 0 for file in weights if file.rfilename not in cached)


def _unreachable(spec: ModelSpec, error: Exception) -> Fault:
    reason = str(error).strip().splitlines()[0]
    return Fault(f"{spec.repo} @ {spec.revision} cannot be had from the Hub: {reason}")
