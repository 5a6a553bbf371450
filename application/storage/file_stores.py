"""Where files lie: in folders of this machine, or in a bucket that all machines share."""

from dataclasses import dataclass

from application.storage.bucket_store import BucketStore
from emosync.config import Config
from emosync.file_store import FileStore, FolderStore


@dataclass(frozen=True)
class FileStores:
    """The stores of one application.

    Attributes
    ----------
    uploads : FileStore
        Recordings and pictures as they were sent.
    pictures, reports : FileStore
        What was drawn of them.
    job_bodies : FileStore
        What jobs were sent, until they are done.
    """

    uploads: FileStore
    pictures: FileStore
    reports: FileStore
    job_bodies: FileStore


def make_file_stores(config: Config) -> FileStores:
    """Make the stores, in the bucket if one is named; nothing is opened yet.

    Parameters
    ----------
    config : Config
        Names the bucket, or the folders.

    Returns
    -------
    FileStores
    """
    if config.files_bucket_name:
        return FileStores(
            uploads=BucketStore(config, "UPLOADS/"),
            pictures=BucketStore(config, "PICTURES/"),
            reports=BucketStore(config, "REPORTS/"),
            job_bodies=BucketStore(config, "JOBS/"),
        )
    return FileStores(
        uploads=FolderStore(config.uploads_path),
        pictures=FolderStore(config.visualizations_path),
        reports=FolderStore(config.reports_path),
        job_bodies=FolderStore(config.job_bodies_path),
    )
