"""One typed Settings object: command-line options, `AUTODETECT_*` variables, `autodetect.toml`, defaults; first wins.

Settings are read here, once, and passed on as values; no other module reads the environment.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from autodetect.errors import UsageError
from autodetect.sections import (
    BackboneSettings,
    CatalogSettings,
    ClassifierSettings,
    CoremlSettings,
    CrawlSettings,
    DatasetSettings,
    DeadlineSettings,
    EbaySettings,
    EvaluationSettings,
    FinetuneSettings,
    FolderSettings,
    GateSettings,
    LeaseSettings,
    PhotoSettings,
    PoisonSettings,
    PriceSettings,
    ReleaseSettings,
    S3Settings,
    SandboxSettings,
    ValidationSettings,
    ValuationSettings,
)

SETTINGS_FILE = "autodetect.toml"
ENV_PREFIX = "AUTODETECT_"
# Variables with our prefix that are not settings: the file to read, and the folder in which a Prefect worker runs.
ENV_RESERVED = frozenset({"AUTODETECT_SETTINGS_FILE", "AUTODETECT_HOME"})

Source = Literal["sandbox", "ebay-api", "ebay-pages", "folder"]
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


class Settings(BaseSettings):
    """Everything that can be set. `autodetect.example.toml` shows it all."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    lake: str = Field("var/lake", description="folder or s3://bucket/prefix")
    store: str = Field("var/store", description="release store: folder or s3://bucket/prefix")
    work: str = Field(
        "var/work",
        description="local scratch folder; needed between the stages of a night, safe to delete between nights",
    )
    source: Source = "sandbox"
    channel: Literal["demo", "candidate", "production"] = "demo"
    timezone: str = Field("UTC", description="the time zone whose midnight starts a night")
    seed: int = Field(0, ge=0, description="mixed with the night's date into every random choice")
    single_writer: bool = Field(
        False, description="allow a store that ignores put-if-absent: you promise that one process writes"
    )

    crawl: CrawlSettings = CrawlSettings()
    ebay: EbaySettings = EbaySettings()
    sandbox: SandboxSettings = SandboxSettings()
    folder: FolderSettings = FolderSettings()
    catalog: CatalogSettings = CatalogSettings()
    photos: PhotoSettings = PhotoSettings()
    dataset: DatasetSettings = DatasetSettings()
    backbone: BackboneSettings = BackboneSettings()
    classifier: ClassifierSettings = ClassifierSettings()
    gate: GateSettings = GateSettings()
    poison: PoisonSettings = PoisonSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    finetune: FinetuneSettings = FinetuneSettings()
    coreml: CoremlSettings = CoremlSettings()
    validation: ValidationSettings = ValidationSettings()
    prices: PriceSettings = PriceSettings()
    valuation: ValuationSettings = ValuationSettings()
    release: ReleaseSettings = ReleaseSettings()
    s3: S3Settings = S3Settings()
    lease: LeaseSettings = LeaseSettings()
    deadlines: DeadlineSettings = DeadlineSettings()

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"'{value}' is no IANA time zone such as Europe/Berlin") from error
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Options over environment over file over defaults."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def min_vehicles(self) -> int:
        """Vehicles a class needs: as set, else 20 (design: sandbox 12)."""
        return self.dataset.min_vehicles or (12 if self.source == "sandbox" else 20)

    @property
    def permission(self) -> str:
        """What permits using what the source shows: eBay's permission, or the licence of one's own folder."""
        return self.folder.licence if self.source == "folder" else self.ebay.permission

    def tonight(self, now: datetime) -> date:
        """Return the logical date that `now` (aware) falls on in `timezone`."""
        return now.astimezone(ZoneInfo(self.timezone)).date()

    def with_values(self, values: Mapping[str, Any]) -> "Settings":
        """Return a copy with dotted names replaced, e.g. `{"ebay.base_url": "..."}`; `None` values are left out.

        Raises:
            UsageError: a value that its setting does not admit.
        """
        return _validated(Settings, _merged(self.model_dump(), values), "the options given")


def load(
    *, options: Mapping[str, Any] | None = None, file: Path | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Read the settings in force.

    Args:
        options: dotted names from the command line; `None` values count as not given.
        file: the settings file; default `autodetect.toml` in the working folder, if there is one.
        environ: only looked at for unknown `AUTODETECT_*` names; values come from the process environment.

    Raises:
        UsageError: an unknown or unreadable setting, named with its place and the remedy.
    """
    environ = os.environ if environ is None else environ
    named = environ.get("AUTODETECT_SETTINGS_FILE")
    path = file or Path(named or SETTINGS_FILE)
    if (file or named) and not path.is_file():
        raise UsageError(f"the settings file {path} does not exist", "create it, or leave out the option that names it")
    if path.is_file():
        try:
            written = tomllib.loads(path.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"{path} is not valid TOML: {error}", "correct the line named") from error
        _refuse_unknown(written, Settings, str(path))
        _refuse_written_key(written, path)
    for variable in sorted(environ):
        if variable.startswith(ENV_PREFIX) and variable not in ENV_RESERVED:
            name = variable.removeprefix(ENV_PREFIX).lower().replace("__", ".")
            _refuse_unknown(_merged({}, {name: environ[variable]}), Settings, f"the environment variable {variable}")

    class SettingsOfFile(Settings):
        model_config = SettingsConfigDict(toml_file=path)

    found = _validated(SettingsOfFile, _merged({}, options or {}), f"options, AUTODETECT_* variables and {path}")
    return Settings(**found.model_dump())


def _merged(data: dict[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `data` with dotted names set; `None` counts as not given."""
    for dotted, value in values.items():
        if value is not None:
            *sections, name = dotted.split(".")
            target = data
            for section in sections:
                target = target.setdefault(section, {})
            target[name] = value
    return data


def _validated(kind: type[Settings], data: dict[str, Any], place: str) -> Settings:
    try:
        return kind(**data)
    except ValidationError as error:
        lines = [f"{_shown(e)}: {e['msg']}" for e in error.errors()]
        # Not `from error`: it would tell secrets wherever a traceback is logged.
        raise UsageError(
            f"settings cannot be used ({place}): " + "; ".join(lines), "correct the values named"
        ) from None
    except SettingsError as error:
        raise UsageError(f"settings cannot be read ({place}): {error}", "correct the variable named") from error


def _shown(error: ErrorDetails) -> str:
    """Return a setting for a message, without its value where a secret (a field without `repr`) may be in it."""
    dotted = ".".join(map(str, error["loc"]))
    secrets = [
        f"{section}.{name}."
        for section, field in Settings.model_fields.items()
        for name, inner in getattr(field.annotation, "model_fields", {}).items()
        if not inner.repr
    ]
    misspelt = error["type"] == "extra_forbidden"
    hidden = misspelt or not dotted or any(secret.startswith(f"{dotted}.") for secret in secrets)
    return f"{dotted} (its value is not shown)" if hidden else f"{dotted} = {error['input']!r}"


def _refuse_written_key(written: Mapping[str, Any], path: Path) -> None:
    """Let no settings file hold the signing key: such files are copied, shown and committed."""
    section = written.get("release")
    if isinstance(section, Mapping) and section.get("key"):
        raise UsageError(
            f"{path} holds the private key (release.key), which belongs into no settings file",
            "remove it there; set AUTODETECT_RELEASE__KEY, or name a key file in release.key_file; if others could read"
            " the file, rotate to a new key: `autodetect release rotate`",
        )


def _refuse_unknown(data: Mapping[str, Any], model: type[BaseModel], place: str, prefix: str = "") -> None:
    for name, value in data.items():
        field = model.model_fields.get(name)
        if field is None:
            close = difflib.get_close_matches(name, list(model.model_fields), n=1)
            known = ", ".join(sorted(model.model_fields))
            remedy = f"did you mean '{prefix}{close[0]}'?" if close else f"remove it; known names are: {known}"
            raise UsageError(f"unknown setting '{prefix}{name}' in {place}", remedy)
        kind = field.annotation
        if isinstance(value, Mapping) and isinstance(kind, type) and issubclass(kind, BaseModel):
            _refuse_unknown(value, kind, place, f"{prefix}{name}.")
        elif isinstance(value, Mapping) and value:
            inner = f"{prefix}{name}.{next(iter(value))}"
            raise UsageError(f"unknown setting '{inner}' in {place}", f"remove it; '{prefix}{name}' is a single value")
