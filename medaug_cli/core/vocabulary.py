"""Vocabulary: words of the field that a description may keep; those that are also common surnames are left out."""

from __future__ import annotations

_IMAGING = """
adc ap arterial aug ax axial baseline blade bone breath cbct cc contrast cor coronal cr ct cta dce delayed diffusion
dose dsc dti dwi dx dynamic early enhanced epi fat fisp flair flash follow fs fse gad gated gd gre haste hold ir iv
kernel lat late lateral localizer lung magnitude map mg mip mlo mpr mprage mr mra mrcp mri mrv native nm oblique
oral pa pd perfusion pet phase portal post pre pt raw recon reconstruction res resolution routine sag sagittal sat
scout screening se series slice slices soft space spair spect spir standard static stir swan swi t t1 t2 thick thin
tirm tof topogram total tra trace transverse tse up us venous vibe w water we window xr
"""
_ANATOMY = """
abdomen adrenal ankle aorta arm artery atrium bladder body bowel brain brainstem breast bronchus carotid cartilage
caudate cerebellum cerebral cerebrum cervical chest chiasm clavicle cochlea colon cord cortex cranium disc disk
duodenum ear elbow esophagus extremity eye femur fibula finger foot forearm gallbladder gland gyrus head heart hip
hippocampus humerus iliac intestine jaw joint kidney knee larynx leg lens lesion lip liver lobe lower lumbar lymph
mandible matter maxilla mediastinum muscle myocardium nasal neck nerve node nodule nose oesophagus optic oral orbit
ovary pancreas parotid patella pelvis pericardium pharynx pituitary pleura prostate pulmonary putamen radius rectum
renal retina rib ribs sacrum scapula shoulder sinus skin skull spinal spine spleen sternum stomach temporal testis
thalamus thoracic thorax thumb thyroid tibia toe tongue trachea trunk tumor tumour ulna upper urinary uterus vein
ventricle vertebra vertebrae vessel wrist
"""
_LABELS = """
air anterior background bilateral boost both calcification central contour core ctv cyst edema enhancing external
fiducial foreground gtv haemorrhage hemorrhage implant inferior isocenter itv l label landmark left mask mass medial
metastasis middle n necrosis nodal non oar oedema organ p point posterior primary ptv r reference region right ring
roi segment segmentation superior target tissue volume
"""
PLAIN_WORDS = frozenset((_IMAGING + _ANATOMY + _LABELS).split())
