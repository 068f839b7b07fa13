"""What a night can be told from outside: the command line's options and the parameters of a deployment's form."""

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from autodetect.settings import Settings, Source, load


class NightOptions(BaseModel):
    """Everything left empty comes from the settings (`AUTODETECT_*` variables, autodetect.toml, defaults)."""

    model_config = ConfigDict(extra="forbid")

    night: date | None = Field(
        None, description="logical date; default: the unfinished night, else for the sandbox the next one, else today"
    )
    source: Source | None = Field(None, description="where listings come from")
    marketplace: str | None = Field(None, description="sandbox: the marketplace folder to serve")
    night_index: int | None = Field(None, ge=1, description="sandbox: serve the marketplace as of this night")
    lake: str | None = Field(None, description="folder or s3://bucket/prefix of the tables and photos")
    store: str | None = Field(None, description="folder or s3://bucket/prefix of the releases")

    def settings(self) -> Settings:
        """Return the settings in force with these options on top."""
        options: dict[str, Any] = {
            "source": self.source,
            "sandbox.marketplace": self.marketplace,
            "sandbox.night_index": self.night_index,
            "lake": self.lake,
            "store": self.store,
        }
        return load(options=options)
