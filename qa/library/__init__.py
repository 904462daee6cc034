"""The collection as it is kept: catalogue, vectors and lexical index, held in step."""
