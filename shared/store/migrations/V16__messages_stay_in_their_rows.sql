-- A row of the ledger is somewhat larger than what PostgreSQL leaves alone. What it compressed, and moved to another table, was what is small and
-- read again at once. Now a row that fits into its page stays as it is, for the time that its body is kept; of larger ones the body is compressed.
alter table dialogpost.message set (toast_tuple_target = 8160);
alter table dialogpost.message alter column properties set storage main, alter column head set storage main, alter column answer set storage main;
alter table dialogpost.message alter column properties set compression lz4, alter column head set compression lz4,
    alter column answer set compression lz4;
