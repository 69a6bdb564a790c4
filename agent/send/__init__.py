"""From finished batches to acknowledged rows: encode once, keep in a bounded disk-backed queue, send until the ingester has them."""
