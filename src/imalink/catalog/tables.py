"""All tables of the catalog: who needs every one of them asks here, so that none is forgotten."""

from __future__ import annotations

from imalink.catalog import account_models, models, said_models, work_models
from imalink.catalog.model_base import Base

MODELS = (models, said_models, work_models, account_models)
"""The modules of tables."""

METADATA = Base.metadata
"""What all of them declare."""
