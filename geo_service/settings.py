"""What one installation decides: database, place, municipality (``ACCANTO_*`` variables)."""

from __future__ import annotations

import os
import re
import secrets
import stat
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

REPOSITORY = Path(__file__).resolve().parents[1]
MIN_SECRET_CHARS = 32

_demo = False


class SettingsError(ValueError):
    """A setting cannot be used; the message names the variable and how to mend it."""


class Settings(BaseSettings):
    """The settings of one installation, read from the environment.

    Every field is the variable ``ACCANTO_`` + its name in capitals. Levels are in dB(A), hours
    are local wall time. An empty variable counts as unset.
    """

    model_config = SettingsConfigDict(
        env_prefix="ACCANTO_", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    database_url: str | None = Field(
        default=None, description="A PostGIS >= 3.3 to use; unset: a private cluster"
    )
    srid: int = Field(default=32632, description="EPSG code of the one metric CRS that is stored")
    state_dir: Path = Field(
        default=REPOSITORY / ".accanto", description="Folder of all that this machine keeps"
    )
    cluster_dir: Path | None = Field(
        default=None, description="Folder under which the private cluster keeps its files"
    )

    files_dir: Path | None = Field(
        default=None, description="Folder of stored documents; unset: files in the state folder"
    )
    max_document_mb: int = Field(
        default=25, ge=1, le=1000, description="Largest document that can be attached, in MB"
    )

    uploads_dir: Path | None = Field(
        default=None,
        description="Private folder of uploaded files, shared by all machines of an installation; "
        "unset: uploads in the state folder",
    )
    max_upload_mb: int = Field(
        default=200, ge=2, le=4000, description="Largest file that may be uploaded, in MB (10^6)"
    )

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    trusted_proxies: str | None = Field(
        default=None,
        description="Addresses of reverse proxies in front, with commas: what they say of the "
        "browser (X-Forwarded-For, X-Forwarded-Proto) is believed",
    )
    public_url: str | None = Field(
        default=None, description="Address printed on posters, such as https://accanto.comune.it"
    )
    secret_key: SecretStr | None = Field(
        default=None, description="Signs sessions; unset: made once and kept in the state folder"
    )

    oidc_issuer: str | None = Field(
        default=None, description="Identity provider for OpenID Connect, exactly as it names itself"
    )
    oidc_client_id: str | None = Field(default=None, description="Our name at that provider")
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="Our secret at that provider; unset: a public client with PKCE"
    )
    oidc_name: str = Field(
        default="Identità del Comune", description="What the sign-in page calls the provider"
    )

    smtp_host: str | None = Field(
        default=None, description="Mail server that takes our letters; unset: links by hand only"
    )
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="starttls (587), tls (465), none (only on this machine)"
    )
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_password_file: Path | None = Field(
        default=None, description="File with the password, where it shall not stand in a variable"
    )
    smtp_ca_file: Path | None = Field(
        default=None, description="Certificates (PEM) that vouch for a mail server of one's own"
    )
    mail_from: str | None = Field(
        default=None, description="Sender of our letters; unset: the laboratory's address"
    )

    timezone: str = "Europe/Rome"
    language: str = "it"

    quarter: str | None = Field(
        default=None, description="Code of the quarter that commands mean when none is named"
    )
    quarter_name: str = Field(
        default="Quartiere", description="Name of a quarter added without one"
    )

    municipality: str = Field(default="Comune", description="Name of the Comune, as printed")
    municipality_office: str = Field(
        default="Ufficio competente", description="Office that approves notices, as printed"
    )
    patron_day: str | None = Field(
        default=None, description="Local patron's holiday as MM-DD, for example 05-22"
    )
    construction_limit_facade_dba: float = Field(
        default=70.0, gt=0, le=140, description="LAeq limit of a cantiere at the facade"
    )
    construction_limit_indoor_dba: float = Field(
        default=65.0, gt=0, le=140, description="LAeq limit inside, works in the same building"
    )
    needs_purpose: str = Field(
        default="accompagnamento durante i lavori", description="What practical needs are kept for"
    )
    needs_legal_basis: str = Field(
        default="compito di interesse pubblico; d.lgs. 196/2003, art. 2-sexies",
        description="Legal basis on which practical needs are kept, as the Comune decides",
    )
    needs_review_days: int = Field(
        default=180, ge=1, le=1830, description="Days after which a need is looked at again"
    )
    laboratory: str = Field(
        default="Laboratorio di Quartiere", description="Name of the laboratory, as printed"
    )
    laboratory_phone: str = ""
    laboratory_email: str = ""

    @field_validator("database_url")
    @classmethod
    def _psycopg_url(cls, url: str | None) -> str | None:
        if url is None:
            return None
        scheme, found, rest = url.partition("://")
        if not found or scheme not in {"postgresql", "postgres", "postgresql+psycopg"}:
            raise ValueError("must begin with postgresql://, as in postgresql://user@host/database")
        return f"postgresql+psycopg://{rest}"

    @field_validator("srid")
    @classmethod
    def _projected(cls, srid: int) -> int:
        if not 1024 <= srid <= 998999 or srid in {4326, 4258, 4979, 3857}:
            raise ValueError(
                "must be the EPSG code of a projected CRS in metres, such as 32632 or 7791"
            )
        return srid

    @field_validator("state_dir", "cluster_dir", "uploads_dir", "files_dir")
    @classmethod
    def _absolute(cls, folder: Path | None) -> Path | None:
        return None if folder is None else Path(os.path.abspath(folder.expanduser()))

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError("is not a time zone; write it as in Europe/Rome") from error
        return name

    @field_validator("patron_day")
    @classmethod
    def _month_and_day(cls, day: str | None) -> str | None:
        if day is not None and not re.fullmatch(r"(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", day):
            raise ValueError("must be month and day, as in 05-22")
        return day

    @field_validator("oidc_issuer")
    @classmethod
    def _https_issuer(cls, issuer: str | None) -> str | None:
        if issuer is not None and not re.match(
            r"https://|http://(127\.0\.0\.1|localhost)[:/]", issuer
        ):
            raise ValueError("must begin with https://")
        return issuer

    @model_validator(mode="after")
    def _mail_is_whole(self) -> Self:
        if self.smtp_host is None:
            return self
        if not self.sender:
            raise ValueError("ACCANTO_MAIL_FROM: set the sender of letters, or laboratory_email")
        local = self.smtp_host in {"localhost", "127.0.0.1", "::1"}
        if self.smtp_security == "none" and self.smtp_user and not local:
            raise ValueError(
                "ACCANTO_SMTP_SECURITY: none would send the password readable; use starttls or tls"
            )
        return self

    @field_validator("secret_key")
    @classmethod
    def _long_secret(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value()) < MIN_SECRET_CHARS:
            raise ValueError(f"must have at least {MIN_SECRET_CHARS} characters")
        return key

    @property
    def patron(self) -> tuple[int, int] | None:
        """Month and day of the local patron, on which nobody works."""
        if self.patron_day is None:
            return None
        month, day = self.patron_day.split("-")
        return int(month), int(day)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of all dates and hours that people read."""
        return ZoneInfo(self.timezone)

    @property
    def sender(self) -> str:
        """Address from which letters are sent; empty where none is known."""
        return self.mail_from or self.laboratory_email

    def mail_password(self) -> str:
        """The password for the mail server, from the variable or the file; empty without one.

        Raises `SettingsError` when the file cannot be read.
        """
        if self.smtp_password is not None:
            return self.smtp_password.get_secret_value()
        if self.smtp_password_file is None:
            return ""
        try:
            return self.smtp_password_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(
                f"ACCANTO_SMTP_PASSWORD_FILE {self.smtp_password_file} cannot be read: "
                f"{error.strerror}"
            ) from error

    @property
    def files_folder(self) -> Path:
        """The folder of stored documents."""
        return self._apart(self.files_dir or self.state_dir / "files")

    @property
    def uploads_folder(self) -> Path:
        """The private folder of files that wait to be imported."""
        return self._apart(self.uploads_dir or self.state_dir / "uploads")

    def _apart(self, folder: Path) -> Path:
        """Apart for the demonstration: who tidies one knows nothing of the other's rows."""
        own = uses_demo() and self.database_url is None
        return folder.with_name(f"{folder.name}-demo") if own else folder

    @property
    def base_url(self) -> str:
        """The address that people open, without a closing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    def secret(self) -> str:
        """The key that signs sessions and codes.

        Returns ``secret_key`` when it is set, otherwise the content of ``secret_key`` in the
        state folder, which is made once with mode 600. Raises `SettingsError` when that file can
        be read by others or is damaged.
        """
        if self.secret_key is not None:
            return self.secret_key.get_secret_value()
        return _kept_secret(self.state_dir / "secret_key")


def _kept_secret(path: Path) -> str:
    """The secret in ``path``; two processes that make it at once end with the same one."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(made, path)
        except FileExistsError:
            pass  # another process was first: its key is the one to use
        finally:
            made.unlink()
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise SettingsError(
            f"{path} can be read by other users (mode {mode:o}): run chmod 600 on it, or delete "
            "it to have a new key made (everybody signs in again)"
        )
    key = path.read_text(encoding="ascii", errors="replace").strip()
    if len(key) < MIN_SECRET_CHARS:
        raise SettingsError(f"{path} is damaged: delete it to have a new key made")
    return key


def _variable(place: tuple[int | str, ...]) -> str:
    """The variable that a fault is about; of several together its message names them."""
    return f"ACCANTO_{'_'.join(str(part) for part in place).upper()} " if place else ""


def use_demo(chosen: bool) -> None:
    """This process works on the demonstration: a database and folders of its own."""
    global _demo
    _demo = chosen


def uses_demo() -> bool:
    """Whether this process works on the demonstration."""
    return _demo


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read once.

    Raises `SettingsError` naming each variable that cannot be used. Tests that change the
    environment call ``get_settings.cache_clear()``.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(
            f"{_variable(fault['loc'])}{fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()
        )
        raise SettingsError(f"Settings that cannot be used: {faults}") from error
