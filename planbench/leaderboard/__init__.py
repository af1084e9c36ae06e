"""Published results that any reader can recompute: entries, their verification, tables and pages.

entry      the format of an entry: what was run, what came back for each task, what it comes to
reading    files from strangers, read within bounds; whatever is wrong with them said in a line
store      the folder of entries
add        a finished run becomes an entry
verify     an entry is recomputed, from the task set's few lines to its last number
growth     iterate runs, shown beside the table
ranking    boards and ranks
rows       what a table shows of an entry
tables     the tables as Markdown, CSV and JSON
charts     figures as SVG
site       the pages
exports    the same results in the formats of other tools

Verification needs no model and none of the neural libraries.
"""
