"""Analyses by partitions of the customers, out of core in this process or in the executors of a Spark cluster.

Transactions are partitioned by a hash of the customer id, and each partition is read into its own customer ledger by
:func:`ckm.customers.ledger_reader.read_rows`. Methods are fitted to the ledger of a sample of customers
(:func:`ckm.customers.learning_sample.learning_sample`) or to the joined ledger, and are applied to the ledger of each
partition. So each figure has one implementation, with and without partitions.
"""
