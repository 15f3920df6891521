"""Results that last: one SQLite file per user, or a visitor's own memory; never runs a model."""

from metrics.store.faces import Face, face_of, faces_of
from metrics.store.file import open_file, open_private
from metrics.store.keys import Key, make_keys, row_ids
from metrics.store.place import data_folder, open_store, store_path
from metrics.store.records import Filter, Number, Stored, as_results, as_stored
from metrics.store.shipped import read_shipped
from metrics.store.store import Store
from metrics.store.view import View

__all__ = [
    "Face",
    "Filter",
    "Key",
    "Number",
    "Store",
    "Stored",
    "View",
    "as_results",
    "as_stored",
    "data_folder",
    "face_of",
    "faces_of",
    "make_keys",
    "open_file",
    "open_private",
    "open_store",
    "read_shipped",
    "row_ids",
    "store_path",
]
