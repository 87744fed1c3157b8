"""What `sparse` is compared with: the same bytes under keys without gaps, all rows alike."""

from workloads import sparse

NAME = "dense"
TITLE = "dense keys, even rows (the same bytes as sparse)"


def build(db, scale):
    sparse.make(db, scale, key="i + 1", length=str(sparse.MEAN_BYTES))
