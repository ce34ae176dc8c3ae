"""A schedule read from whatever file the works side sends: xlsx, or XML of MS Project."""

from __future__ import annotations

from geo_service.errors import Invalid
from geo_service.i18n import gettext as _
from geo_service.settings import get_settings
from geo_service.works.schedule_files.project import read_project
from geo_service.works.schedule_files.rows import ReadSchedule, check_rows
from geo_service.works.schedule_files.sheet import read_sheet

MOST_BYTES = 10_000_000
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"


def read_schedule(data: bytes, file_name: str) -> ReadSchedule:
    """The rows of a file, recognised by what it holds and not by its name.

    Raises :class:`Invalid` with a sentence that says how to mend it.
    """
    name = file_name.replace("\\", "/").rpartition("/")[2][:100] or "file"
    if not data.strip():
        raise Invalid(_("Il file è vuoto."))
    if len(data) > MOST_BYTES:
        raise Invalid(
            _("Il file supera i %(most)s MB: un cronoprogramma è molto più piccolo.",
              most=MOST_BYTES // 1_000_000)
        )  # fmt: skip
    if data.startswith(_OLD_OFFICE):
        raise Invalid(
            _(
                "È un file .mpp o .xls, che qui non si legge: salvatelo da MS Project come XML, o "
                "dal foglio di calcolo come xlsx."
            )
        )
    patron = get_settings().patron
    if data.startswith(b"PK"):
        raws, headings, tells_links = read_sheet(data)
        return check_rows(raws, name, headings=headings, tells_links=tells_links, patron=patron)
    if data.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00").startswith(b"<"):
        raws, headings = read_project(data)
        return check_rows(raws, name, headings=headings, patron=patron)
    raise Invalid(_("Il file non è né un foglio di calcolo xlsx né un XML di MS Project."))
